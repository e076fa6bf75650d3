-- KEYS: a pointer. ARGV: until.
if redis.call('EXISTS', KEYS[1]) == 1 then
  prolong(KEYS[1], ARGV[1])
end
return 'OK'
