-- KEYS: a pointer. Returns the family that it leads to.
local value = redis.call('GET', KEYS[1])
if not value then
  return {'NOTFOUND'}
end
return {'FOUND', string.sub(value, NONCE + 1)}
