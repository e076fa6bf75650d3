-- KEYS: one that is used for nothing else; on a single server also one of
-- another slot, which a cluster refuses.
-- Returns 'FOUND', the answer of INFO, and each command that fails and its error.
local key, failed = KEYS[1], {}
local function try(...) return attempt(failed, ...) end

-- A server that is full refuses the first write of a script and no other, so that
-- this one comes before all else. It expires by itself, if it cannot be deleted. A
-- hash or a set is never made of it: the key is a text, and to say so is enough for
-- a command that may be used.
local expires = try('SET', key, '1', 'PX', '1000')
local deletes = try('DEL', key)
if expires then
  try('SET', key, '1', 'PX', '1000')
end
try('SET', key, '1', 'KEEPTTL')
if expires or deletes then
  try('SETNX', key, '1')
  try('HSET', key, 'a', '1', 'b', '1')
  try('HSETNX', key, 'c', '1')
  try('ZADD', key, '0', '1')
end
try('HDEL', key, 'a', 'b')
try('GET', key)
try('EXISTS', key)
try('PTTL', key)
try('HGET', key, 'a')
try('HMGET', key, 'a', 'b')
try('HEXISTS', key, 'a')
try('HGETALL', key)
try('HSCAN', key, '0', 'COUNT', '500')
try('ZRANGEBYLEX', key, '-', '+', 'LIMIT', '0', '1')
try('TIME')
local info = ''
for _, section in ipairs({'server', 'memory', 'cluster'}) do
  info = info .. '\r\n' .. (try('INFO', section) or '')
end
try('PEXPIREAT', key, '1') -- which is long ago, and so deletes it as well
redis.pcall('DEL', key)
local all = {'FOUND', info}
for i = 1, #failed, 2 do
  if not string.find(failed[i + 1], 'WRONGTYPE', 1, true) then
    table.insert(all, failed[i])
    table.insert(all, failed[i + 1])
  end
end
return all
