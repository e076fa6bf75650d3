-- KEYS: the revocation of a token; on a single server also its family, unless it
-- has none. Returns 'FOUND', and 'yes' or 'no'.
local yes = redis.call('EXISTS', KEYS[1]) == 1
if not yes and KEYS[2] then
  yes = redis.call('HEXISTS', KEYS[2], 'revoked') == 1
end
return {'FOUND', yes and 'yes' or 'no'}
