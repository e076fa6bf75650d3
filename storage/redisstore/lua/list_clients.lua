-- KEYS: the clients. ARGV: a cursor, how many about.
-- Returns 'FOUND', the next cursor, and IDs and records in turn.
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local all = {'FOUND', page[1]}
for _, text in ipairs(page[2]) do
  table.insert(all, text)
end
return all
