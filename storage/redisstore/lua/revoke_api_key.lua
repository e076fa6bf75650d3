-- KEYS: the API keys. ARGV: an ID, its owner, an instant.
local keys, id = KEYS[1], ARGV[1]
local digest = redis.call('HGET', keys, 'i:' .. id)
local record = digest and redis.call('HGET', keys, 'k:' .. digest)
if not record or (cjson.decode(record).sub or 'api_key:' .. id) ~= ARGV[2] then
  return 'NOTFOUND'
end
redis.call('HSETNX', keys, 'r:' .. digest, ARGV[3])
return 'OK'
