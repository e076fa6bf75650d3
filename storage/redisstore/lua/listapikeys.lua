-- KEYS: the API keys, the digests of a client's. Returns 'FOUND', and digest,
-- record and revocation of each in turn.
local all = {'FOUND'}
for _, digest in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local found = redis.call('HMGET', KEYS[1], 'k:' .. digest, 'r:' .. digest)
  if found[1] then
    table.insert(all, digest)
    table.insert(all, found[1])
    table.insert(all, found[2] or '')
  end
end
return all
