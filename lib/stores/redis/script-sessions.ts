/** Steps of the script that are about sessions and what is trusted; see `STEPS`. */
export const SESSION_STEPS = `
local function session(id)
  local there = redis.call('HMGET', P .. 's:' .. id, 'document', 'seen', 'revoked', 'by', 'acknowledged')
  return there[1] and there or false
end

local INDEX = { computer = 'i:', phone = 'p:' }

-- Kind, person, browser and beginning of a session: beside the document, so that a step that has begun to write meets no document that
-- it cannot decode. Records of older versions have them inside alone.
local function factsOf(id, document)
  local kind, person, browser, began = unpack(redis.call('HMGET', P .. 's:' .. id, 'kind', 'person', 'browser', 'began'))
  if kind then return kind, person, browser, began end
  local old = cjson.decode(document)
  return old.kind, old.person.id, old.browserHash, text(old.signedInAt)
end

-- Ends it, and tells its account; false when there is none that is signed in. forgets: its browser is no longer
-- trusted. The second reply is whose it was: the caller publishes that the person's list is another, once for all.
local function revoke(id, now, by, forgets)
  local there = session(id)
  if not there or there[3] then return false end
  local kind, person, browser = factsOf(id, there[1])
  redis.call('HSET', P .. 's:' .. id, 'revoked', text(now), 'by', by)
  if forgets and kind == 'computer' then
    -- A record of an older version does not say by which browser: then none is trusted any more.
    if browser and browser ~= '' then redis.call('ZREM', P .. 'b:' .. person, browser)
    else redis.call('DEL', P .. 'b:' .. person) end
  end
  redis.call('ZREM', P .. INDEX[kind] .. person, id)
  publish('v:' .. person, 'revoked ' .. cjson.encode({ person = person, session = id, by = by }))
  return session(id), kind == 'computer' and person
end

local function revokeOne(id, now, by, forgets)
  local ended, person = revoke(id, now, by, forgets)
  if person then publish('v:' .. person, 'sessions ' .. person) end
  return ended
end

-- Ends the oldest in the index until it has so many, and takes out of it what is over already; at most 64 in one step. which:
-- { keeps, except, now, by, forgets, idleMs }; without idleMs what was not used for long ends like the others. Returns what
-- ended, and how many too many are left. Beyond 64 in the index an old one may end though a newer one is idle.
local function trim(kind, person, which)
  local index = P .. INDEX[kind] .. person
  local ended = {}
  local keeps = which.keeps
  if redis.call('ZSCORE', index, which.except) then keeps = keeps + 1 end
  local over = redis.call('ZCARD', index) - keeps
  if over <= 0 then return ended, 0 end
  local live = {}
  for _, id in ipairs(redis.call('ZRANGE', index, 0, 63)) do
    local seen, revoked = unpack(redis.call('HMGET', P .. 's:' .. id, 'seen', 'revoked'))
    -- Without a time of its last use it is one of an older version that was not used since: it counts as live.
    local isIdle = which.idleMs and seen and tonumber(seen) + which.idleMs <= which.now
    if id == which.except then
    elseif isIdle or revoked or redis.call('EXISTS', P .. 's:' .. id) == 0 then
      redis.call('ZREM', index, id)
      over = over - 1
    else live[#live + 1] = id end
  end
  local list = false
  for _, id in ipairs(live) do
    if over <= 0 then break end
    local gone, computers = revoke(id, which.now, which.by, which.forgets)
    ended[#ended + 1] = gone or nil
    list = list or computers
    over = over - 1
  end
  if list then publish('v:' .. list, 'sessions ' .. list) end
  return ended, math.max(over, 0)
end

-- Begins a session, and ends what has to make room: the browser's older one, and the oldest beyond how many the person
-- keeps. False when there is one of this id; else what ended, and how many are left to be ended by 'trim'.
function steps.begin(id, document, ttl, new)
  local key = P .. 's:' .. id
  if redis.call('EXISTS', key) == 1 then return false end
  redis.call('HSET', key, 'document', document, 'seen', text(new.signedInAt), 'kind', new.kind, 'person', new.person,
    'browser', new.browser, 'began', text(new.signedInAt))
  redis.call('PEXPIRE', key, text(ttl))
  local replaced = new.replaces and revokeOne(new.replaces, new.now, 'here', false)
  local ended, left = trim(new.kind, new.person, { keeps = new.keeps - 1, except = id, now = new.now, by = new.by,
    forgets = new.forgets, idleMs = new.idleMs })
  if replaced then ended[#ended + 1] = replaced end
  local index = P .. INDEX[new.kind] .. new.person
  redis.call('ZADD', index, text(new.signedInAt), id)
  prolong(index, ttl)
  if new.kind == 'computer' then publish('v:' .. new.person, 'sessions ' .. new.person) end
  return { ended, left }
end

function steps.trim(kind, person, which)
  local ended, left = trim(kind, person, which)
  return { ended, left }
end

function steps.session(id) return session(id) end

-- The newest of the index, at most so many. What is over is taken out of it.
function steps.sessions(kind, person, most)
  local found = {}
  local index = P .. INDEX[kind] .. person
  for _, id in ipairs(redis.call('ZREVRANGE', index, 0, most - 1)) do
    local there = session(id)
    if there and not there[3] then found[#found + 1] = there else redis.call('ZREM', index, id) end
  end
  return found
end

-- A phone of an older version is in no index yet.
function steps.touch(id, now)
  local key = P .. 's:' .. id
  local there = session(id)
  if not there or there[3] then return 0 end
  if not there[2] or tonumber(there[2]) < now then redis.call('HSET', key, 'seen', text(now)) end
  local kind, person, _, began = factsOf(id, there[1])
  local index = P .. INDEX[kind] .. person
  redis.call('ZADD', index, began, id)
  prolong(index, redis.call('PTTL', key))
  return 1
end

function steps.acknowledge(id)
  local there = session(id)
  if not there or there[5] then return 0 end
  local _, person = factsOf(id, there[1])
  redis.call('HSET', P .. 's:' .. id, 'acknowledged', '1')
  publish('v:' .. person, 'sessions ' .. person)
  return 1
end

function steps.revoke(id, now, by, forgets) return revokeOne(id, now, by, forgets) end

function steps.remember(scope, entry, ends, now, most)
  local key = P .. 'b:' .. scope
  redis.call('ZADD', key, text(ends), entry)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - most)
  prolong(key, math.max(1, ends - now))
  return 1
end

function steps.remembers(scope, entry, now)
  local ends = redis.call('ZSCORE', P .. 'b:' .. scope, entry)
  return (ends and tonumber(ends) > now) and 1 or 0
end

-- 1, and the end of the group, where one of them is remembered for longer than until then.
function steps.barred(scope, entries, since)
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
