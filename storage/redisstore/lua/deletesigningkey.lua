-- KEYS: the signing keys. ARGV: a turn.
local found = redis.call('HGET', KEYS[1], 't:' .. ARGV[1])
if found then
  redis.call('HDEL', KEYS[1], 't:' .. ARGV[1], 'i:' .. cjson.decode(string.sub(found, MARK + 1)).id)
end
return 'OK'
