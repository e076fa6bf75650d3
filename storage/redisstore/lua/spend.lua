-- KEYS: a family; on a single server also the pointers of old and next.
-- ARGV: 1 digest of old, 2 nonce, 3 'first' or 'again', 4 the record of the
-- use, 5 until when old is kept, 6 digest of next or '', 7 record of next, or
-- '' if its pointer leads to another family, 8 until when next is kept, 9 name
-- of the family.
local family, old, nonce, next = KEYS[1], ARGV[1], ARGV[2], ARGV[6]
local REMEMBERED = 64 -- uses whose nonces are kept

local record = redis.call('HGET', family, 'c:' .. old)
if not record then
  return 'NOTFOUND'
end
-- The record is '<nonce><MaxUses> <until> {...}'.
local most, kept = string.match(record, '^(%d+) (%d+) ', NONCE + 1)
local longer = tonumber(ARGV[5]) > tonumber(kept)

-- '<uses> <nonces> {...}'.
local used = redis.call('HGET', family, 'u:' .. old)
local uses, nonces, use
if used then
  uses, nonces, use = string.match(used, '^(%d+) (%S+) (.*)$')
  if string.find(nonces, nonce, 1, true) then
    -- This very call has succeeded before: a client library repeats it, since
    -- the answer was lost. To call it spent would be a wrong verdict.
    return (longer and ARGV[3] == 'first') and 'LONGER' or 'OK'
  end
end

if redis.call('HEXISTS', family, 'revoked') == 1 then
  return 'SPENT'
end

if ARGV[3] == 'again' then
  if not used or next ~= '' or tonumber(uses) >= tonumber(most) then
    return 'SPENT'
  end
  nonces = string.sub(nonces .. nonce, -REMEMBERED * NONCE)
  redis.call('HSET', family, 'u:' .. old, string.format('%d %s %s', uses + 1, nonces, use))
  return 'OK'
end

if used then
  return 'SPENT'
end
local instant = ARGV[5]
if next ~= '' then
  if ARGV[7] == '' or redis.call('HEXISTS', family, 'c:' .. next) == 1 then
    return 'EXISTS'
  end
  if KEYS[3] and not claim(KEYS[3], nonce, ARGV[9], ARGV[8]) then
    return 'EXISTS'
  end
  if tonumber(ARGV[8]) > tonumber(instant) then
    instant = ARGV[8]
  end
  -- One command: there is no moment at which half of it is done.
  redis.call('HSET', family, 'u:' .. old, '1 ' .. nonce .. ' ' .. ARGV[4], 'c:' .. next, ARGV[7])
else
  redis.call('HSET', family, 'u:' .. old, '1 ' .. nonce .. ' ' .. ARGV[4])
end
if longer and KEYS[2] then
  prolong(KEYS[2], ARGV[5])
end
keep(family, instant)
return longer and 'LONGER' or 'OK'
