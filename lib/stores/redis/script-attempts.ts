/** Steps of the script that are about attempts and limits; see `STEPS`. */
export const ATTEMPT_STEPS = `
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

-- A window that ends later than a new one would was begun before the clock was set back: it ends as a new one.
local function countedWithin(key, now, windowMs)
  local count, ends = counted(key)
  if ends <= now + windowMs then return count, ends end
  put(key, count, now + windowMs, now)
  return count, now + windowMs
end

-- 0 when each counter has room, and is counted; 'full' when a rule has no room for another counter; else the ms until
-- the last of the full ones begins anew. The latter two end the group.
function steps.take(counters, now, most)
  local wait = 0
  local found = {}
  for at, counter in ipairs(counters) do
    local key = counter.rule .. ' ' .. counter.key
    local count, ends = countedWithin(key, now, counter.windowMs)
    if ends <= now then count, ends = 0, 0 end
    local all, last = count, ends
    for _, alias in ipairs(counter.aliases or {}) do
      local more, until_ = countedWithin(counter.rule .. ' ' .. alias, now, counter.windowMs)
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
`
