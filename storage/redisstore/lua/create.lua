-- KEYS: a family; on a single server also the pointer.
-- ARGV: digest, nonce, record, until, name of the family.
local there = redis.call('HGET', KEYS[1], 'c:' .. ARGV[1])
if there then
  -- A client library that repeats a call whose answer was lost is no rival.
  return string.sub(there, 1, NONCE) == ARGV[2] and 'OK' or 'EXISTS'
end
if KEYS[2] and not claim(KEYS[2], ARGV[2], ARGV[5], ARGV[4]) then
  return 'EXISTS'
end
redis.call('HSET', KEYS[1], 'c:' .. ARGV[1], ARGV[3])
keep(KEYS[1], ARGV[4])
return 'OK'
