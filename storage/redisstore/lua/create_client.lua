-- KEYS: the clients. ARGV: an ID, its record.
return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 and 'OK' or 'EXISTS'
