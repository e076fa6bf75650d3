-- KEYS: the signing keys. ARGV: a turn. The ID is found by its turn, since a
-- damaged record does not name it.
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local isID = string.sub(fields[i], 1, 2) == 'i:'
  if fields[i] == 't:' .. ARGV[1] or isID and fields[i + 1] == ARGV[1] then
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
return 'OK'
