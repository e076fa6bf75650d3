-- KEYS: a family. ARGV: for how long, in milliseconds, a family without a
-- credential is remembered.
redis.call('HSET', KEYS[1], 'revoked', '1')
local time = redis.call('TIME')
keep(KEYS[1], string.format('%.0f', time[1] * 1000 + ARGV[1]))
return 'OK'
