-- KEYS: a hash of the store's. ARGV: a field that it has not.
-- Returns 'FOUND', and each command that fails and its error.
local failed = {'FOUND'}
attempt(failed, 'HGET', KEYS[1], ARGV[1])
attempt(failed, 'HDEL', KEYS[1], ARGV[1])
return failed
