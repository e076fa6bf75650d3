-- Put before every other script. A script that writes a credential ends with
-- keep() or prolong(): an instant in the past deletes the key at once.

-- A pointer is "<nonce><family>": the nonce of the call that wrote it or, where
-- several calls rely on it, SHARED, which no call has. NONCE is its length.
local NONCE = 16
local SHARED = '----------------'

-- prolong makes a key live until an instant in milliseconds, and never less
-- long than it does.
local function prolong(key, instant)
  local left = redis.call('PTTL', key)
  local time = redis.call('TIME')
  if left < 0 or time[1] * 1000 + time[2] / 1000 + left < tonumber(instant) then
    redis.call('PEXPIREAT', key, instant)
  end
end

-- keep makes a family live until an instant in milliseconds, and never less
-- long than it does. Its own note of the instant is exact, as PTTL is not.
local function keep(family, instant)
  local before = redis.call('HGET', family, 'until')
  if not before or tonumber(before) < tonumber(instant) then
    redis.call('HSET', family, 'until', instant)
    redis.call('PEXPIREAT', family, instant)
  end
end

-- claim lets a pointer lead to a family, unless it leads to another one. It
-- never takes a pointer away: the call that had it may be about to rely on it.
local function claim(pointer, nonce, family, instant)
  local value = redis.call('GET', pointer)
  if not value then
    redis.call('SET', pointer, nonce .. family)
    redis.call('PEXPIREAT', pointer, instant)
    return true
  end
  if string.sub(value, NONCE + 1) ~= family then
    return false
  end
  if string.sub(value, 1, NONCE) ~= nonce then
    redis.call('SET', pointer, SHARED .. family, 'KEEPTTL')
  end
  prolong(pointer, instant)
  return true
end

-- record returns the record and the use that a family keeps for a digest.
local function record(family, digest)
  local found = redis.call('HMGET', family, 'c:' .. digest, 'u:' .. digest, 'revoked')
  if not found[1] then
    return {'NOTFOUND'}
  end
  return {'FOUND', found[1], found[2] or '', found[3] or ''}
end

-- attempt runs a command for Check, and notes it with its error if it fails.
local function attempt(failed, command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) ~= 'table' or not reply.err then
    return reply
  end
  table.insert(failed, command)
  table.insert(failed, reply.err)
  return nil
end
