import { defineScript, OPERATIONAL_PREFIXES } from './client/redis'
import { ATTEMPT_STEPS } from './script-attempts'
import { SESSION_STEPS } from './script-sessions'

/**
 * Every change to our keys, in the server, where nothing comes in between. No rules about attempts
 * are in here: it compares and sets. Who is notified of a change follows `core/notifications.ts`.
 *
 * Keys, each with an end: `a:{attempt}` version and document, `w:{attempt}` and `v:{person}` the
 * processes that watch them, `s:{session}` document, last use, notice and sign-out, `i:{person}`
 * their computers and `p:{person}` their phones by time, `b:{who}` what is trusted until when,
 * `c:{rule} {counter}` count and end, `n:{key}` until when it is used, `r:{room}:{period}` what was
 * added to a room in that period, `h:{process}` that this process could write. Messages go to
 * `m:{process}`, one channel for each process.
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

-- How errors begin that tell of the state of the server.
local OPERATIONAL = { ${OPERATIONAL_PREFIXES.map((start) => `'${start}'`).join(', ')} }
${ATTEMPT_STEPS}${SESSION_STEPS}
-- This process can write.
function steps.here(process)
  redis.call('SET', P .. 'h:' .. process, '1', 'PX', '60000')
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

-- Where an error reply tells of the state of the server, without what a server before Redis 7 puts in front.
local function operational(said)
  for _, start in ipairs(OPERATIONAL) do
    if string.sub(said .. ' ', 1, #start + 1) == start .. ' ' then return true end
  end
  return false
end

local answers = {}
for at, group in ipairs(cjson.decode(ARGV[2])) do
  local made, answer = pcall(make, group)
  if made then answers[at] = answer
  else
    local said = type(answer) == 'table' and answer.err or tostring(answer)
    said = string.gsub(said, '^@user_script: ?%d+: %-?', '')
    -- A server that cannot write is an error of the command: its breaker and its connection have to see it.
    if operational(said) then return redis.error_reply(said) end
    answers[at] = said
  end
end
return { steps.time(), answers }
`)
