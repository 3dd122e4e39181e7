/** The steps of the script for passkeys; see `STEPS`. */
export const PASSKEY_STEPS = `
local function passkey(id)
  local found = redis.call('HMGET', P .. 'y:' .. id, 'data', 'person', 'name', 'counter', 'used')
  return found[1] and found
end

-- new: { person, counter, max, addedAt }. Returns 'exists', 'full' or 'written'.
steps['insert passkey'] = function(id, data, person, name, new)
  local index = P .. 'k:' .. new.person
  if passkey(id) then return 'exists' end
  if redis.call('ZCARD', index) >= new.max then return FULL end
  redis.call('HSET', P .. 'y:' .. id, 'data', data, 'person', person, 'name', name, 'counter', text(new.counter),
    'owner', new.person)
  redis.call('ZADD', index, text(new.addedAt), id)
  return 'written'
end

steps['find passkey'] = function(id) return passkey(id) end

steps['list passkeys'] = function(person)
  local found = {}
  for _, id in ipairs(redis.call('ZREVRANGE', P .. 'k:' .. person, 0, -1)) do found[#found + 1] = passkey(id) or nil end
  return found
end

-- Returns 1 if the counter is higher than the stored one, or both are 0.
steps['record passkey use'] = function(id, counter, now)
  local found = passkey(id)
  if not found then return 0 end
  local stored = tonumber(found[4])
  if counter <= stored and not (counter == 0 and stored == 0) then return 0 end
  redis.call('HSET', P .. 'y:' .. id, 'counter', text(counter), 'used', text(now))
  return 1
end

local function owned(person, id) return redis.call('HGET', P .. 'y:' .. id, 'owner') == person end

steps['rename passkey'] = function(person, id, name)
  if not owned(person, id) then return 0 end
  redis.call('HSET', P .. 'y:' .. id, 'name', name)
  return 1
end

steps['remove passkey'] = function(person, id)
  if not owned(person, id) then return 0 end
  redis.call('DEL', P .. 'y:' .. id)
  redis.call('ZREM', P .. 'k:' .. person, id)
  return 1
end

steps['describe person'] = function(person, document)
  for _, id in ipairs(redis.call('ZRANGE', P .. 'k:' .. person, 0, -1)) do
    if passkey(id) then redis.call('HSET', P .. 'y:' .. id, 'person', document) end
  end
  return 1
end
`
