-- KEYS: the API keys, the IDs of the client's, the IDs of the subject's. ARGV:
-- digest, ID, record.
local keys, digest, id = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HEXISTS', keys, 'k:' .. digest) == 1 or redis.call('HEXISTS', keys, 'i:' .. id) == 1 then
  return 'EXISTS'
end
redis.call('HSET', keys, 'k:' .. digest, ARGV[3], 'i:' .. id, digest)
redis.call('ZADD', KEYS[2], 0, id)
redis.call('ZADD', KEYS[3], 0, id)
return 'OK'
