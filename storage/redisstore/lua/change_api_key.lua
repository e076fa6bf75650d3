-- KEYS: the API keys. ARGV: a digest, the key's record as it was read, its new record.
-- A revocation stands beside the record, and is not touched.
local field = 'k:' .. ARGV[1]
local found = redis.call('HGET', KEYS[1], field)
if found == ARGV[3] then
  return 'OK' -- by this very call, delivered twice, or by one that did the same
end
if found ~= ARGV[2] then
  return 'CHANGED'
end
redis.call('HSET', KEYS[1], field, ARGV[3])
return 'OK'
