-- KEYS: the signing keys. ARGV: a turn.
local found = redis.call('HGET', KEYS[1], 't:' .. ARGV[1])
if found then
  redis.call('HDEL', KEYS[1], 't:' .. ARGV[1], 'i:' .. cjson.decode(found).id)
end
return 'OK'
