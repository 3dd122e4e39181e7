import { defineScript } from '../redis/redis'

/**
 * All that happens to our keys, in the server, where nothing comes in between. No rules about attempts are in here: it compares and sets.
 *
 * Keys, each with an end: `a:{attempt}` version and document, `w:{attempt}` and `v:{person}` the processes that watch them, `s:{session}`
 * document, last use and sign-out, `i:{person}` their computers by time, `k:{person}:{browser}` until when it is known, `c:{counter}`
 * count and end, `n:{key}` until when it is used. Messages go to `m:{process}`, one channel for each process.
 *
 * Times come from the caller, who keeps to the server's clock.
 */
export const STEPS = defineScript(`
local P = ARGV[1]
local STOP = {}

local function tell(watchers, message)
  for _, process in ipairs(redis.call('SMEMBERS', P .. watchers)) do
    redis.call('PUBLISH', P .. 'm:' .. process, message)
  end
end

-- Lives at least as long as what was put into it last.
local function prolong(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end

local function text(number) return string.format('%.0f', number) end

local steps = {}

function steps.find(id) return redis.call('GET', P .. 'a:' .. id) end

function steps.insert(id, document, ttl)
  return redis.call('SET', P .. 'a:' .. id, document, 'NX', 'PX', ttl) and 1 or 0
end

-- 1 when it was written; else what is there instead, or nothing, and the end of the group.
function steps.swap(id, version, document, ttl, person)
  local there = redis.call('GET', P .. 'a:' .. id)
  if not there then return false, STOP end
  if string.sub(there, 1, #version + 1) ~= version .. ' ' then return there, STOP end
  redis.call('SET', P .. 'a:' .. id, document, 'PX', ttl)
  tell('w:' .. id, 'attempt ' .. document)
  if person ~= '' then tell('v:' .. person, 'scan ' .. document) end
  return 1
end

function steps.watch(kind, id, process, ttl)
  local key = P .. kind .. ':' .. id
  redis.call('SADD', key, process)
  prolong(key, ttl)
  return 1
end

-- 0 when each counter has room, and is counted; else the ms until the last of the full ones begins anew, and the end of the group.
function steps.take(counters, now)
  now = tonumber(now)
  local wait = 0
  local found = {}
  for at, counter in ipairs(counters) do
    local count, ends = 0, 0
    local there = redis.call('GET', P .. 'c:' .. counter.key)
    if there then
      local c, e = string.match(there, '^(%d+) (%d+)$')
      count, ends = tonumber(c), tonumber(e)
    end
    if ends <= now then count, ends = 0, now + counter.windowMs end
    if count >= counter.limit then wait = math.max(wait, ends - now) end
    found[at] = { count, ends }
  end
  if wait > 0 then return wait, STOP end
  for at, counter in ipairs(counters) do
    if counter.counts then
      local count, ends = found[at][1] + 1, found[at][2]
      redis.call('SET', P .. 'c:' .. counter.key, count .. ' ' .. text(ends), 'PX', text(ends - now))
    end
  end
  return 0
end

function steps.once(key, ends, now)
  local there = redis.call('GET', P .. 'n:' .. key)
  if there and tonumber(there) > tonumber(now) then return 0 end
  redis.call('SET', P .. 'n:' .. key, ends, 'PX', text(math.max(1, tonumber(ends) - tonumber(now))))
  return 1
end

function steps.begin(id, document, ttl, person, signedInAt)
  local key = P .. 's:' .. id
  if redis.call('EXISTS', key) == 1 then return 0 end
  redis.call('HSET', key, 'document', document)
  redis.call('PEXPIRE', key, ttl)
  if signedInAt ~= '' then
    local index = P .. 'i:' .. person
    redis.call('ZADD', index, signedInAt, id)
    prolong(index, ttl)
    tell('v:' .. person, 'sessions ' .. person)
  end
  return 1
end

local function session(id)
  local there = redis.call('HMGET', P .. 's:' .. id, 'document', 'seen', 'revoked')
  return there[1] and there or false
end

function steps.session(id) return session(id) end

function steps.sessions(person)
  local found = {}
  for _, id in ipairs(redis.call('ZREVRANGE', P .. 'i:' .. person, 0, -1)) do
    local there = session(id)
    if there then found[#found + 1] = there else redis.call('ZREM', P .. 'i:' .. person, id) end
  end
  return found
end

function steps.touch(id, now)
  local key = P .. 's:' .. id
  if redis.call('EXISTS', key) == 0 then return 0 end
  local seen = redis.call('HGET', key, 'seen')
  if not seen or tonumber(seen) < tonumber(now) then redis.call('HSET', key, 'seen', now) end
  return 1
end

function steps.revoke(id, now)
  local there = session(id)
  if not there or there[3] then return false end
  redis.call('HSET', P .. 's:' .. id, 'revoked', now)
  local document = cjson.decode(there[1])
  local person = document.person.id
  tell('v:' .. person, 'revoked ' .. cjson.encode({ person = person, session = id }))
  if document.kind == 'computer' then
    redis.call('ZREM', P .. 'i:' .. person, id)
    tell('v:' .. person, 'sessions ' .. person)
  end
  return session(id)
end

function steps.remember(person, browser, ends, now)
  local ttl = text(math.max(1, tonumber(ends) - tonumber(now)))
  redis.call('SET', P .. 'k:' .. person .. ':' .. browser, ends, 'PX', ttl)
  return 1
end

function steps.knows(person, browser, now)
  local ends = redis.call('GET', P .. 'k:' .. person .. ':' .. browser)
  return (ends and tonumber(ends) > tonumber(now)) and 1 or 0
end

function steps.time()
  local now = redis.call('TIME')
  return text(tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
end

local function make(group)
  local replies = {}
  for _, step in ipairs(group) do
    local name = table.remove(step, 1)
    if name == 'take' then step[1] = cjson.decode(step[1]) end
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
