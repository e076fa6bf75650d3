-- KEYS: the signing keys. ARGV: a turn, an ID, a record.
local keys, turn, id = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HEXISTS', keys, 't:' .. turn) == 1 or redis.call('HEXISTS', keys, 'i:' .. id) == 1 then
  return 'EXISTS'
end
redis.call('HSET', keys, 't:' .. turn, ARGV[3], 'i:' .. id, turn)
return 'OK'
