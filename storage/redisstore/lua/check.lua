-- KEYS: one that is used for nothing else. It is written because a replica, and
-- a server that is full, answer every question but take no record.
redis.call('SET', KEYS[1], '1', 'PX', '1000')
return {redis.call('INFO', 'server'), redis.call('INFO', 'memory'), redis.call('INFO', 'cluster')}
