-- KEYS: the clients. ARGV: an ID, its record.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 'OK'
