-- KEYS: the API keys, the IDs of a client's or a subject's. ARGV: where to begin, as
-- ZRANGEBYLEX wants it, and how many at most.
-- Returns 'FOUND', and ID, digest, record and revocation of each in turn, all but the
-- ID empty if there is no such key any more.
local all = {'FOUND'}
for _, id in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])) do
  local digest = redis.call('HGET', KEYS[1], 'i:' .. id) or ''
  local found = redis.call('HMGET', KEYS[1], 'k:' .. digest, 'r:' .. digest)
  table.insert(all, id)
  table.insert(all, digest)
  table.insert(all, found[1] or '')
  table.insert(all, found[2] or '')
end
return all
