-- KEYS: the revocation of a token. ARGV: until.
redis.call('SETNX', KEYS[1], '1')
prolong(KEYS[1], ARGV[1])
return 'OK'
