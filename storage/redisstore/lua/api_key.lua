-- KEYS: the API keys. ARGV: a digest.
local found = redis.call('HMGET', KEYS[1], 'k:' .. ARGV[1], 'r:' .. ARGV[1])
if not found[1] then
  return {'NOTFOUND'}
end
return {'FOUND', found[1], found[2] or ''}
