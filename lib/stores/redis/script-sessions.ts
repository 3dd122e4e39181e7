/** The steps of the script for sessions and remembered entries; see `STEPS`. */
export const SESSION_STEPS = `
local function session(id)
  local fields = redis.call('HMGET', P .. 's:' .. id, 'document', 'seen', 'revoked', 'by', 'acknowledged')
  return fields[1] and fields or false
end

local INDEX = { computer = 'i:', phone = 'p:' }

-- Kind, person, browser and start of a session. They are fields of their own, so that a step that
-- has begun to write does not have to decode a document, which may fail. Records of older versions
-- have them only in the document.
local function factsOf(id, document)
  local kind, person, browser, began = unpack(redis.call('HMGET', P .. 's:' .. id, 'kind', 'person', 'browser', 'began'))
  if kind then return kind, person, browser, began end
  local old = cjson.decode(document)
  return old.kind, old.person.id, old.browserHash, text(old.signedInAt)
end

-- Signs a session out and notifies its account. Returns false if it is unknown or signed out.
-- forgets: its browser is forgotten. tells: an event is written, as of toRevokedEvent. The second
-- result is the person whose list of computers has changed, or false: the caller publishes that
-- once for all sessions.
local function revoke(id, now, by, forgets, tells)
  local found = session(id)
  if not found or found[3] then return false end
  local kind, person, browser = factsOf(id, found[1])
  redis.call('HSET', P .. 's:' .. id, 'revoked', text(now), 'by', by)
  if tells and kind == 'computer' then
    local event = { id = 'revoked_' .. id, type = 'session.revoked', personId = person, at = now, by = by }
    event.session = { id = id }
    enqueue(UNSORTED, person, cjson.encode({ event = event }), now)
  end
  if forgets and kind == 'computer' then
    -- A record of an older version does not name its browser: all browsers are forgotten.
    if browser and browser ~= '' then redis.call('ZREM', P .. 'b:' .. person, browser)
    else redis.call('DEL', P .. 'b:' .. person) end
  end
  redis.call('ZREM', P .. INDEX[kind] .. person, id)
  publish('v:' .. person, 'revoked ' .. cjson.encode({ person = person, session = id, by = by }))
  return session(id), kind == 'computer' and person
end

local function revokeOne(id, now, by, forgets, tells)
  local ended, person = revoke(id, now, by, forgets, tells)
  if person then publish('v:' .. person, 'sessions ' .. person) end
  return ended
end

-- Ends the oldest sessions of the index until it has options.keeps, and removes expired ones from
-- it. Handles at most 64 per step. options: { keeps, except, now, by, forgets, tells, idleMs };
-- without
-- idleMs, idle sessions count as live. Returns the ended sessions, and how many are still too many.
-- With more than 64 in the index, a live old session may end although a newer one is idle.
local function trim(kind, person, options)
  local index = P .. INDEX[kind] .. person
  local ended = {}
  local keeps = options.keeps
  if redis.call('ZSCORE', index, options.except) then keeps = keeps + 1 end
  local over = redis.call('ZCARD', index) - keeps
  if over <= 0 then return ended, 0 end
  local live = {}
  for _, id in ipairs(redis.call('ZRANGE', index, 0, 63)) do
    local seen, revoked = unpack(redis.call('HMGET', P .. 's:' .. id, 'seen', 'revoked'))
    -- A record of an older version that was not used since has no time of last use: it counts as
    -- live.
    local isIdle = options.idleMs and seen and tonumber(seen) + options.idleMs <= options.now
    if id == options.except then
    elseif isIdle or revoked or redis.call('EXISTS', P .. 's:' .. id) == 0 then
      redis.call('ZREM', index, id)
      over = over - 1
    else live[#live + 1] = id end
  end
  local list = false
  for _, id in ipairs(live) do
    if over <= 0 then break end
    local revoked, owner = revoke(id, options.now, options.by, options.forgets, options.tells)
    ended[#ended + 1] = revoked or nil
    list = list or owner
    over = over - 1
  end
  if list then publish('v:' .. list, 'sessions ' .. list) end
  return ended, math.max(over, 0)
end

-- Writes a new session. Ends the older session of the browser, and the person's oldest sessions
-- beyond new.keeps. Returns false if the id exists; 'full of events' with new.maxEvents; otherwise
-- the ended sessions, and how many are left for 'trim'. new.event: the entry to append.
function steps.begin(id, document, ttl, new)
  local key = P .. 's:' .. id
  if isOutboxFull(new.maxEvents) then return FULL_OF_EVENTS, STOP end
  if redis.call('EXISTS', key) == 1 then return false end
  redis.call('HSET', key, 'document', document, 'seen', text(new.signedInAt), 'kind', new.kind, 'person', new.person,
    'browser', new.browser, 'began', text(new.signedInAt))
  redis.call('PEXPIRE', key, text(ttl))
  if new.event then enqueue(UNSORTED, new.person, new.event, new.now) end
  local replaced = new.replaces and revokeOne(new.replaces, new.now, 'here', false, new.tells)
  local ended, left = trim(new.kind, new.person, { keeps = new.keeps - 1, except = id, now = new.now, by = new.by,
    forgets = new.forgets, tells = new.tells, idleMs = new.idleMs })
  if replaced then ended[#ended + 1] = replaced end
  local index = P .. INDEX[new.kind] .. new.person
  redis.call('ZADD', index, text(new.signedInAt), id)
  extend(index, ttl)
  if new.kind == 'computer' then publish('v:' .. new.person, 'sessions ' .. new.person) end
  return { ended, left }
end

function steps.trim(kind, person, options)
  local ended, left = trim(kind, person, options)
  return { ended, left }
end

function steps.session(id) return session(id) end

-- Returns the newest sessions of the index, at most max. Removes expired ones from the index.
function steps.sessions(kind, person, max)
  local found = {}
  local index = P .. INDEX[kind] .. person
  for _, id in ipairs(redis.call('ZREVRANGE', index, 0, max - 1)) do
    local each = session(id)
    if each and not each[3] then found[#found + 1] = each else redis.call('ZREM', index, id) end
  end
  return found
end

-- Also adds the session to its index: phones of older versions are in none.
function steps.touch(id, now)
  local key = P .. 's:' .. id
  local found = session(id)
  if not found or found[3] then return 0 end
  if not found[2] or tonumber(found[2]) < now then redis.call('HSET', key, 'seen', text(now)) end
  local kind, person, _, began = factsOf(id, found[1])
  local index = P .. INDEX[kind] .. person
  redis.call('ZADD', index, began, id)
  extend(index, redis.call('PTTL', key))
  return 1
end

function steps.acknowledge(id)
  local found = session(id)
  if not found or found[5] then return 0 end
  local _, person = factsOf(id, found[1])
  redis.call('HSET', P .. 's:' .. id, 'acknowledged', '1')
  publish('v:' .. person, 'sessions ' .. person)
  return 1
end

function steps.revoke(id, now, by, forgets, tells) return revokeOne(id, now, by, forgets, tells) end

function steps.remember(scope, entry, ends, now, max)
  local key = P .. 'b:' .. scope
  redis.call('ZADD', key, text(ends), entry)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - max)
  extend(key, math.max(1, ends - now))
  return 1
end

function steps.remembers(scope, entry, now)
  local ends = redis.call('ZSCORE', P .. 'b:' .. scope, entry)
  return (ends and tonumber(ends) > now) and 1 or 0
end

-- Returns 1 and stops the group if one of the entries ends later than since. See RevocationMark in
-- core/store.ts.
steps['has revocation'] = function(scope, entries, since)
  for _, entry in ipairs(entries) do
    local ends = redis.call('ZSCORE', P .. 'b:' .. scope, entry)
    if ends and tonumber(ends) > since then return 1, STOP end
  end
  return 0
end

function steps.forget(scope, entry) return redis.call('ZREM', P .. 'b:' .. scope, entry) end

steps['forget others'] = function(scope, except)
  local key = P .. 'b:' .. scope
  local kept = except ~= '' and redis.call('ZSCORE', key, except)
  local ttl = redis.call('PTTL', key)
  redis.call('DEL', key)
  if kept then
    redis.call('ZADD', key, kept, except)
    redis.call('PEXPIRE', key, text(ttl))
  end
  return 1
end
`
