-- KEYS: the signing keys. ARGV: a turn, an ID, a nonce, a record.
local keys, turn, id = KEYS[1], ARGV[1], ARGV[2]
local there = redis.call('HGET', keys, 't:' .. turn)
if there and string.sub(there, 1, NONCE) == ARGV[3] then
  return 'OK' -- by this very call, delivered twice
end
if there or redis.call('HEXISTS', keys, 'i:' .. id) == 1 then
  return 'EXISTS'
end
-- It has no expiry: how long a key is needed is not known here.
redis.call('HSET', keys, 't:' .. turn, ARGV[4], 'i:' .. id, turn)
return 'OK'
