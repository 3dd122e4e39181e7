import { defineScript } from '../redis/redis'

/**
 * Every change to our keys, in the server, where nothing comes in between. No rules about attempts are in here: it compares and sets.
 *
 * Keys, each with an end: `a:{attempt}` version and document, `w:{attempt}` and `v:{person}` the processes that watch them, `s:{session}`
 * document, last use, notice and sign-out, `i:{person}` their computers and `p:{person}` their phones by time, `b:{who}` what is
 * trusted until when, `c:{rule} {counter}` count and end, `n:{key}` until when it is used, `r:{room}:{period}` what was added to a room
 * in that period. Messages go to `m:{process}`, one channel for each process.
 *
 * Times come from the caller, who keeps to the server's clock.
 */
export const STEPS = defineScript(`
local P = ARGV[1]
local STOP = {}
local FULL = 'full'

local function text(number) return string.format('%.0f', number) end

local function publish(watchers, message)
  for _, process in ipairs(redis.call('SMEMBERS', P .. watchers)) do
    redis.call('PUBLISH', P .. 'm:' .. process, message)
  end
end

-- Lives at least as long as what was put into it last.
local function prolong(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, text(ttl)) end
end

-- What lives for lifeMs at most was added in this period or in the one before: their sum is never less than what is there.
local function room(name, now, lifeMs)
  local period = math.floor(now / lifeMs)
  local key = P .. 'r:' .. name .. ':'
  local here = key .. text(period)
  local added = redis.call('GET', here) or 0
  return here, tonumber(added) + tonumber(redis.call('GET', key .. text(period - 1)) or 0)
end

local function reserve(here, lifeMs)
  if redis.call('INCR', here) == 1 then redis.call('PEXPIRE', here, text(2 * lifeMs)) end
end

local steps = {}

function steps.find(id) return redis.call('GET', P .. 'a:' .. id) end

-- attempts: { now, lifeMs, most } of the room for all of them.
function steps.insert(id, document, ttl, attempts)
  local here, there = room('attempts', attempts.now, attempts.lifeMs)
  if there >= attempts.most then return FULL, STOP end
  if not redis.call('SET', P .. 'a:' .. id, document, 'NX', 'PX', text(ttl)) then return 0 end
  reserve(here, attempts.lifeMs)
  return 1
end

-- 1 when it was written, and the guard counted with it. Else nothing of both, and the end of the group: the document that is there
-- instead, or none; 'full' when a rule has no room; how long the guard is full, below zero.
function steps.swap(id, version, document, ttl, person, guard)
  local there = redis.call('GET', P .. 'a:' .. id)
  if not there then return false, STOP end
  if string.sub(there, 1, #version + 1) ~= version .. ' ' then return there, STOP end
  if guard then
    local wait = steps.take(guard.counters, guard.now, guard.most)
    if wait == FULL then return FULL, STOP end
    if wait > 0 then return -wait, STOP end
  end
  redis.call('SET', P .. 'a:' .. id, document, 'PX', text(ttl))
  publish('w:' .. id, 'attempt ' .. document)
  if person ~= '' then publish('v:' .. person, 'scan ' .. document) end
  return 1
end

function steps.watch(kind, id, process, ttl)
  local key = P .. kind .. ':' .. id
  redis.call('SADD', key, process)
  prolong(key, ttl)
  return 1
end

-- The attempt, and this process among those that watch it: nothing of both where it is another browser's, and not
-- the second where it has ended.
steps['read and watch'] = function(id, browser, process, ttl, now)
  local there = redis.call('GET', P .. 'a:' .. id)
  if not there then return false end
  local attempt = cjson.decode(string.sub(there, string.find(there, ' ', 1, true) + 1))
  if attempt.computer.browserHash ~= browser then return false end
  if attempt.expiresAt and attempt.expiresAt > now then steps.watch('w', id, process, ttl) end
  return there
end

local function counted(key)
  local there = redis.call('GET', P .. 'c:' .. key)
  if not there then return 0, 0 end
  local count, ends = string.match(there, '^(%d+) (%d+)$')
  return tonumber(count), tonumber(ends)
end

local function put(key, count, ends, now)
  redis.call('SET', P .. 'c:' .. key, text(count) .. ' ' .. text(ends), 'PX', text(ends - now))
end

-- 0 when each counter has room, and is counted; 'full' when a rule has no room for another counter; else the ms until
-- the last of the full ones begins anew. The latter two end the group.
function steps.take(counters, now, most)
  local wait = 0
  local found = {}
  for at, counter in ipairs(counters) do
    local key = counter.rule .. ' ' .. counter.key
    local count, ends = counted(key)
    if ends <= now then count, ends = 0, 0 end
    local all, last = count, ends
    for _, alias in ipairs(counter.aliases or {}) do
      local more, until_ = counted(counter.rule .. ' ' .. alias)
      if until_ > now then all, last = all + more, math.max(last, until_) end
    end
    if all >= counter.limit then wait = math.max(wait, last - now) end
    found[at] = { key, count, ends }
  end
  if wait > 0 then return wait, STOP end
  for at, counter in ipairs(counters) do
    if counter.counts and found[at][2] == 0 then
      local here, there = room('counters ' .. counter.rule, now, counter.windowMs)
      if there >= most then return FULL, STOP end
      found[at][4] = here
    end
  end
  for at, counter in ipairs(counters) do
    if counter.counts then
      local key, count, ends, here = unpack(found[at])
      if here then
        ends = now + counter.windowMs
        reserve(here, counter.windowMs)
      end
      put(key, count + 1, ends, now)
    end
  end
  return 0
end

steps['give back'] = function(counters, now)
  for _, counter in ipairs(counters) do
    local key = counter.rule .. ' ' .. counter.key
    local count, ends = counted(key)
    if counter.counts and ends > now and count > 1 then put(key, count - 1, ends, now)
    elseif counter.counts and ends > now then redis.call('DEL', P .. 'c:' .. key) end
  end
  return 1
end

function steps.once(key, ends, now, most)
  local there = redis.call('GET', P .. 'n:' .. key)
  if there and tonumber(there) > now then return 0 end
  local lifeMs = math.max(1, ends - now)
  local here, used = room('used', now, 300000)
  if used >= most then return FULL, STOP end
  reserve(here, 300000)
  redis.call('SET', P .. 'n:' .. key, text(ends), 'PX', text(lifeMs))
  return 1
end

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

-- Ends it, and tells its account; false when there is none that is signed in. forgets: its browser is no longer trusted.
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
  if kind == 'computer' then publish('v:' .. person, 'sessions ' .. person) end
  return session(id)
end

-- Begins a session, and ends what has to make room: the browser's older one, and the oldest beyond how many the person keeps. False
-- when there is one of this id; else what ended.
function steps.begin(id, document, ttl, new)
  local key = P .. 's:' .. id
  if redis.call('EXISTS', key) == 1 then return false end
  redis.call('HSET', key, 'document', document, 'seen', text(new.signedInAt), 'kind', new.kind, 'person', new.person,
    'browser', new.browser, 'began', text(new.signedInAt))
  redis.call('PEXPIRE', key, text(ttl))
  local ended = {}
  if new.replaces then ended[1] = revoke(new.replaces, new.now, 'here', false) or nil end
  local index = P .. INDEX[new.kind] .. new.person
  local live = 1
  for _, other in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
    local there = session(other)
    -- Without a time of its last use it is one of an older version that was not used since: it counts as live.
    local seen = there and tonumber(there[2] or false) or new.now
    if not there or there[3] or seen + new.idleMs <= new.now then redis.call('ZREM', index, other)
    elseif live < new.keeps then live = live + 1
    else ended[#ended + 1] = revoke(other, new.now, new.by, new.forgets) end
  end
  redis.call('ZADD', index, text(new.signedInAt), id)
  prolong(index, ttl)
  if new.kind == 'computer' then publish('v:' .. new.person, 'sessions ' .. new.person) end
  return ended
end

function steps.session(id) return session(id) end

function steps.sessions(kind, person)
  local found = {}
  local index = P .. INDEX[kind] .. person
  for _, id in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
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

function steps.revoke(id, now, by, forgets) return revoke(id, now, by, forgets) end

steps['revoke all'] = function(kind, person, except, now, by, forgets)
  local ended = {}
  for _, id in ipairs(redis.call('ZRANGE', P .. INDEX[kind] .. person, 0, -1)) do
    if id ~= except then ended[#ended + 1] = revoke(id, now, by, forgets) or nil end
  end
  return ended
end

function steps.remember(who, what, ends, now, most)
  local key = P .. 'b:' .. who
  redis.call('ZADD', key, text(ends), what)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - most)
  prolong(key, math.max(1, ends - now))
  return 1
end

function steps.remembers(who, what, now)
  local ends = redis.call('ZSCORE', P .. 'b:' .. who, what)
  return (ends and tonumber(ends) > now) and 1 or 0
end

-- 1, and the end of the group, where one of them is remembered for longer than until then.
function steps.barred(who, whats, since)
  for _, what in ipairs(whats) do
    local ends = redis.call('ZSCORE', P .. 'b:' .. who, what)
    if ends and tonumber(ends) > since then return 1, STOP end
  end
  return 0
end

function steps.forget(who, what) return redis.call('ZREM', P .. 'b:' .. who, what) end

steps['forget others'] = function(who, except)
  local key = P .. 'b:' .. who
  local kept = except ~= '' and redis.call('ZSCORE', key, except)
  local ttl = redis.call('PTTL', key)
  redis.call('DEL', key)
  if kept then
    redis.call('ZADD', key, kept, except)
    redis.call('PEXPIRE', key, text(ttl))
  end
  return 1
end

function steps.time()
  local now = redis.call('TIME')
  return text(tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
end

local function make(group)
  local replies = {}
  for _, step in ipairs(group) do
    local name = table.remove(step, 1)
    local reply, stop = steps[name](unpack(step))
    replies[#replies + 1] = reply
    if stop == STOP then break end
  end
  return replies
end

local answers = {}
for at, group in ipairs(cjson.decode(ARGV[2])) do
  local made, answer = pcall(make, group)
  if made then answers[at] = answer
  elseif type(answer) == 'table' and answer.err then answers[at] = answer.err
  else answers[at] = tostring(answer) end
end
return answers
`)
