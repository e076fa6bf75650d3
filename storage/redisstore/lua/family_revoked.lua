-- KEYS: a family. Returns 'FOUND', and 'yes' or 'no'.
return {'FOUND', redis.call('HEXISTS', KEYS[1], 'revoked') == 1 and 'yes' or 'no'}
