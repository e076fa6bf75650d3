-- where.lua and find.lua in one, for a single server: the key of the family is
-- not known before the script runs, which a cluster does not allow.
-- KEYS: a pointer. ARGV: a digest, the prefix of the keys of families.
local value = redis.call('GET', KEYS[1])
if not value then
  return {'NOTFOUND'}
end
local family = string.sub(value, NONCE + 1)
local found = record(ARGV[2] .. family, ARGV[1])
if found[1] == 'FOUND' then
  table.insert(found, family)
end
return found
