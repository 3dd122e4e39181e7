/** The steps of the script for attempts and limits; see `STEPS`. */
export const ATTEMPT_STEPS = `
function steps.find(id) return redis.call('GET', P .. 'a:' .. id) end

-- attempts: { now, lifeMs, max }, the capacity. Returns 1; 0 if the id exists; 'full'.
function steps.insert(id, document, ttl, attempts)
  local current, used = capacity('attempts', attempts.now, attempts.lifeMs)
  if used >= attempts.max then return FULL, STOP end
  if not redis.call('SET', P .. 'a:' .. id, document, 'NX', 'PX', text(ttl)) then return 0 end
  reserve(current, attempts.lifeMs)
  return 1
end

-- Returns 1 if the document was written and the guard counted. Otherwise nothing was written, and
-- the group stops. It then returns the stored document or false; 'full' if a rule of the guard has
-- no room; 'full of events'; or, as a negative number, the ms until the guard is free again.
-- options: guard; maxEvents, if the change needs room in the outbox; event, the entry to append,
-- and its time, at.
steps['compare and set'] = function(id, version, document, ttl, person, options)
  local guard = options.guard
  local stored = redis.call('GET', P .. 'a:' .. id)
  if not stored then return false, STOP end
  if string.sub(stored, 1, #version + 1) ~= version .. ' ' then return stored, STOP end
  if isOutboxFull(options.maxEvents) then return FULL_OF_EVENTS, STOP end
  if guard then
    local wait = steps.take(guard.counters, guard.now, guard.max)
    if wait == FULL then return FULL, STOP end
    if wait > 0 then return -wait, STOP end
  end
  redis.call('SET', P .. 'a:' .. id, document, 'PX', text(ttl))
  if options.event then enqueue(UNSORTED, person, options.event, options.at) end
  publish('w:' .. id, 'attempt ' .. document)
  if person ~= '' then publish('v:' .. person, 'scan ' .. document) end
  return 1
end

function steps.watch(kind, id, process, ttl)
  local key = P .. kind .. ':' .. id
  redis.call('SADD', key, process)
  extend(key, ttl)
  return 1
end

-- Returns the attempt and registers this process as a watcher. Returns false for an unknown and for
-- another browser's attempt. An attempt that has ended is returned, but not watched.
steps['read and watch'] = function(id, browser, process, ttl, now)
  local stored = redis.call('GET', P .. 'a:' .. id)
  if not stored then return false end
  local attempt = cjson.decode(string.sub(stored, string.find(stored, ' ', 1, true) + 1))
  if attempt.computer.browserHash ~= browser then return false end
  if attempt.expiresAt and attempt.expiresAt > now then steps.watch('w', id, process, ttl) end
  return stored
end

local function readCounter(key)
  local stored = redis.call('GET', P .. 'c:' .. key)
  if not stored then return 0, 0 end
  local count, ends = string.match(stored, '^(%d+) (%d+)$')
  return tonumber(count), tonumber(ends)
end

local function writeCounter(key, count, ends, now)
  redis.call('SET', P .. 'c:' .. key, text(count) .. ' ' .. text(ends), 'PX', text(ends - now))
end

-- A window that ends later than a new one would end began before the clock was set back: it gets
-- the end of a new window.
local function readCounterWithin(key, now, windowMs)
  local count, ends = readCounter(key)
  if ends <= now + windowMs then return count, ends end
  writeCounter(key, count, now + windowMs, now)
  return count, now + windowMs
end

-- Returns 0 if every counter was below its limit and is counted; 'full' if a rule has no room for
-- another counter; otherwise the ms until the windows of all full counters have ended. The last two
-- stop the group.
function steps.take(counters, now, max)
  local wait = 0
  local found = {}
  for at, counter in ipairs(counters) do
    local key = counter.rule .. ' ' .. counter.key
    local count, ends = readCounterWithin(key, now, counter.windowMs)
    if ends <= now then count, ends = 0, 0 end
    local sum, last = count, ends
    for _, alias in ipairs(counter.aliases or {}) do
      local aliasCount, aliasEnds = readCounterWithin(counter.rule .. ' ' .. alias, now, counter.windowMs)
      if aliasEnds > now then sum, last = sum + aliasCount, math.max(last, aliasEnds) end
    end
    if sum >= counter.limit then wait = math.max(wait, last - now) end
    found[at] = { key, count, ends }
  end
  if wait > 0 then return wait, STOP end
  for at, counter in ipairs(counters) do
    if counter.counts and found[at][2] == 0 then
      local current, used = capacity('counters ' .. counter.rule, now, counter.windowMs)
      if used >= max then return FULL, STOP end
      found[at][4] = current
    end
  end
  for at, counter in ipairs(counters) do
    if counter.counts then
      local key, count, ends, current = unpack(found[at])
      if current then
        ends = now + counter.windowMs
        reserve(current, counter.windowMs)
      end
      writeCounter(key, count + 1, ends, now)
    end
  end
  return 0
end

steps['give back'] = function(counters, now)
  for _, counter in ipairs(counters) do
    local key = counter.rule .. ' ' .. counter.key
    local count, ends = readCounter(key)
    if counter.counts and ends > now and count > 1 then writeCounter(key, count - 1, ends, now)
    elseif counter.counts and ends > now then redis.call('DEL', P .. 'c:' .. key) end
  end
  return 1
end

-- Returns 1 for the first use of a key; 0 for a later one, 'full' if there is no room: both stop
-- the group.
steps['take once'] = function(key, ends, now, max)
  local stored = redis.call('GET', P .. 'n:' .. key)
  if stored and tonumber(stored) > now then return 0, STOP end
  local lifeMs = math.max(1, ends - now)
  local current, used = capacity('used', now, 300000)
  if used >= max then return FULL, STOP end
  reserve(current, 300000)
  redis.call('SET', P .. 'n:' .. key, text(ends), 'PX', text(lifeMs))
  return 1
end
`
