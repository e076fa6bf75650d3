-- KEYS: one that is not there.
-- Returns 'FOUND', and each command that fails and its error.
local failed = {'FOUND'}
attempt(failed, 'GET', KEYS[1])
attempt(failed, 'DEL', KEYS[1])
return failed
