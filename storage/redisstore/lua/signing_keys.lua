-- KEYS: the signing keys. Returns 'FOUND', and turn and record of each.
local all = {'FOUND'}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 2) == 't:' then
    table.insert(all, string.sub(fields[i], 3))
    table.insert(all, fields[i + 1])
  end
end
return all
