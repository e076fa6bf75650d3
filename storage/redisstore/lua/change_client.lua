-- KEYS: the clients. ARGV: an ID, its record as it was read, its new record.
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found == ARGV[3] then
  return 'OK' -- by this very call, delivered twice, or by one that did the same
end
if found ~= ARGV[2] then
  return 'CHANGED'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'OK'
