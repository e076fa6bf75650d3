-- KEYS: the API keys, the digests of the client's. ARGV: digest, ID, record.
local keys, digest, id = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HEXISTS', keys, 'k:' .. digest) == 1 or redis.call('HEXISTS', keys, 'i:' .. id) == 1 then
  return 'EXISTS'
end
redis.call('HSET', keys, 'k:' .. digest, ARGV[3], 'i:' .. id, digest)
redis.call('SADD', KEYS[2], digest)
return 'OK'
