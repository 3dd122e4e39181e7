import { defineScript, OPERATIONAL_PREFIXES } from './client/redis'
import { ATTEMPT_STEPS } from './script-attempts'
import { OUTBOX_STEPS } from './script-outbox'
import { PASSKEY_STEPS } from './script-passkeys'
import { RECORD_STEPS } from './script-records'
import { SESSION_STEPS } from './script-sessions'

/**
 * The script that makes every change to our keys, atomically within the server. It contains no
 * rules about attempts: it compares and sets. Which accounts are notified follows
 * `core/notifications.ts`.
 *
 * Keys, each but those of passkeys with a TTL:
 * - `a:{attempt}`: version and document
 * - `w:{attempt}`, `v:{person}`: the processes that watch the attempt or the account
 * - `s:{session}`: document, last use, acknowledgement and sign-out
 * - `i:{person}`, `p:{person}`: the person's computers and phones, by time of the sign-in
 * - `b:{scope}`: remembered entries, by their end
 * - `c:{rule} {counter}`: count and end of the window
 * - `n:{key}`: a used key and its end
 * - `r:{capacity}:{period}`: what was added in that period to what has this capacity
 * - `y:{passkey}`: what never changes, person, name, counter and last use
 * - `k:{person}`: the person's passkeys, by the time they were added
 * - `d:{record}`: data, end, group, and when it was consumed
 * - `g:{group}`: the records of a group
 * - `o:queues`, `o:entries`, `o:endpoints`, `o:due:{endpoint}`: the outbox, see `script-outbox.ts`
 * - `h:{process}`: the write probe of a process
 *
 * Messages are published to `m:{process}`, one channel per process. Times are arguments: the caller
 * uses the server's clock.
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

-- Raises the TTL of a key to ttl if it is lower.
local function extend(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, text(ttl)) end
end

-- Returns the counter key of the current period, and the number of entries in use. An entry lives
-- for at most lifeMs, so it was added in this period or in the one before: the sum of both is never
-- less than the actual number.
local function capacity(name, now, lifeMs)
  local period = math.floor(now / lifeMs)
  local key = P .. 'r:' .. name .. ':'
  local current = key .. text(period)
  local added = redis.call('GET', current) or 0
  return current, tonumber(added) + tonumber(redis.call('GET', key .. text(period - 1)) or 0)
end

local function reserve(current, lifeMs)
  if redis.call('INCR', current) == 1 then redis.call('PEXPIRE', current, text(2 * lifeMs)) end
end

local steps = {}

-- Prefixes of the errors that report the server's state.
local OPERATIONAL = { ${OPERATIONAL_PREFIXES.map((prefix) => `'${prefix}'`).join(', ')} }
${OUTBOX_STEPS}${ATTEMPT_STEPS}${SESSION_STEPS}${PASSKEY_STEPS}${RECORD_STEPS}
-- Fails if the server does not accept writes.
steps['probe write'] = function(process)
  redis.call('SET', P .. 'h:' .. process, '1', 'PX', '60000')
  return 1
end

function steps.time()
  local now = redis.call('TIME')
  return text(tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
end

local function run(group)
  local replies = {}
  for _, step in ipairs(group) do
    local name = table.remove(step, 1)
    local reply, stop = steps[name](unpack(step))
    replies[#replies + 1] = reply
    if stop == STOP then break end
  end
  return replies
end

-- Whether an error reports the server's state.
local function operational(message)
  for _, prefix in ipairs(OPERATIONAL) do
    if string.sub(message .. ' ', 1, #prefix + 1) == prefix .. ' ' then return true end
  end
  return false
end

local results = {}
for at, group in ipairs(cjson.decode(ARGV[2])) do
  local succeeded, result = pcall(run, group)
  if succeeded then results[at] = result
  else
    local message = type(result) == 'table' and result.err or tostring(result)
    -- Servers before Redis 7 add this prefix.
    message = string.gsub(message, '^@user_script: ?%d+: %-?', '')
    -- A server that cannot write fails the whole command: circuit breaker and connection need it.
    if operational(message) then return redis.error_reply(message) end
    results[at] = message
  end
end
return { steps.time(), results }
`)
