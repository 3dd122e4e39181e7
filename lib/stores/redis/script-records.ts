/** The steps of the script for records; see `STEPS`. */
export const RECORD_STEPS = `
local function record(key, now)
  local found = redis.call('HMGET', P .. 'd:' .. key, 'data', 'ends', 'group', 'consumed')
  if not found[1] or tonumber(found[2]) <= now then return false end
  return { key, found[1], found[2], found[3], found[4] }
end

local function leaveGroup(key)
  local group = redis.call('HGET', P .. 'd:' .. key, 'group')
  if group and group ~= '' then redis.call('SREM', P .. 'g:' .. group, key) end
end

local function writeRecord(new, now)
  local key = P .. 'd:' .. new.key
  leaveGroup(new.key)
  redis.call('HSET', key, 'data', new.data, 'ends', text(new.expiresAt), 'group', new.group)
  local ttl = math.max(1, new.expiresAt - now)
  redis.call('PEXPIRE', key, text(ttl))
  if new.group ~= '' then
    redis.call('SADD', P .. 'g:' .. new.group, new.key)
    extend(P .. 'g:' .. new.group, ttl)
  end
end

-- room: { lifeMs, max, counts }, the capacity, and whether it is used. Returns 1; 0 if there is a
-- record with this key; 'full'.
steps['insert record'] = function(new, now, room)
  if record(new.key, now) then return 0 end
  local current, used = capacity('records', now, room.lifeMs)
  if room.counts and used >= room.max then return FULL, STOP end
  leaveGroup(new.key)
  redis.call('DEL', P .. 'd:' .. new.key)
  writeRecord(new, now)
  if room.counts then reserve(current, room.lifeMs) end
  return 1
end

steps['put record'] = function(new, now)
  writeRecord(new, now)
  redis.call('HDEL', P .. 'd:' .. new.key, 'consumed')
  return 1
end

steps['replace record'] = function(new, before, now)
  local found = record(new.key, now)
  if not found or found[2] ~= before then return 0 end
  writeRecord(new, now)
  return 1
end

steps['find record'] = function(key, now) return record(key, now) end

steps['list records'] = function(group, now)
  local found = {}
  for _, key in ipairs(redis.call('SMEMBERS', P .. 'g:' .. group)) do found[#found + 1] = record(key, now) or nil end
  return found
end

steps['consume record'] = function(key, now)
  if not record(key, now) then return 0 end
  return redis.call('HSETNX', P .. 'd:' .. key, 'consumed', text(now))
end

steps['remove record'] = function(key)
  leaveGroup(key)
  return redis.call('DEL', P .. 'd:' .. key)
end

steps['remove records'] = function(group)
  for _, key in ipairs(redis.call('SMEMBERS', P .. 'g:' .. group)) do redis.call('DEL', P .. 'd:' .. key) end
  redis.call('DEL', P .. 'g:' .. group)
  return 1
end
`
