-- KEYS: the API keys. ARGV: an ID, an instant.
local digest = redis.call('HGET', KEYS[1], 'i:' .. ARGV[1])
if not digest then
  return 'NOTFOUND'
end
redis.call('HSETNX', KEYS[1], 'r:' .. digest, ARGV[2])
return 'OK'
