-- KEYS: the clients. ARGV: an ID.
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found then
  return {'NOTFOUND'}
end
return {'FOUND', found}
