-- KEYS: the API keys, the digests of the client's. ARGV: digest, ID, record.
local keys, digest, id = KEYS[1], ARGV[1], ARGV[2]
local owner = redis.call('HGET', keys, 'i:' .. id)
if owner and owner ~= digest then
  return 'EXISTS'
end
local before = redis.call('HGET', keys, 'k:' .. digest)
if before then
  -- If it belonged to another client, the digest stays among that one's, whose
  -- key cannot be known here: who lists them looks at the record.
  redis.call('HDEL', keys, 'i:' .. cjson.decode(before).id)
end
redis.call('HDEL', keys, 'r:' .. digest)
redis.call('HSET', keys, 'k:' .. digest, ARGV[3], 'i:' .. id, digest)
redis.call('SADD', KEYS[2], digest)
return 'OK'
