-- Takes back a claim that nobody else relies on.
-- KEYS: a pointer. ARGV: nonce, family.
if redis.call('GET', KEYS[1]) == ARGV[1] .. ARGV[2] then
  redis.call('DEL', KEYS[1])
end
return 'OK'
