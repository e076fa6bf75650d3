-- KEYS: the API keys, the IDs of the client's, the IDs of the subject's. ARGV:
-- digest, ID, record.
local keys, digest, id = KEYS[1], ARGV[1], ARGV[2]
local owner = redis.call('HGET', keys, 'i:' .. id)
if owner and owner ~= digest then
  return 'EXISTS'
end
local before = redis.call('HGET', keys, 'k:' .. digest)
if before then
  -- If it belonged to another client or subject, its ID stays in their lists, whose
  -- keys this script was not given. A list passes over a record that is not its own.
  redis.call('HDEL', keys, 'i:' .. cjson.decode(before).id)
end
redis.call('HDEL', keys, 'r:' .. digest)
redis.call('HSET', keys, 'k:' .. digest, ARGV[3], 'i:' .. id, digest)
redis.call('ZADD', KEYS[2], 0, id)
redis.call('ZADD', KEYS[3], 0, id)
return 'OK'
