import { EVENT_LIFE_MS, UNSORTED } from '../../core/outbox/outbox-store'
import { FULL_OF_EVENTS } from './documents'

/**
 * The steps of the script for the outbox; see `STEPS`. A queue holds the entries of one person for
 * one endpoint, numbered without gaps:
 * - `o:queues`, a hash: number of the oldest and of the next entry, tries and lease of the oldest
 * - `o:entries`, a hash: by queue and number, the text of the entry
 * - `o:due:{endpoint}`, a sorted set: by person, when the oldest entry is due
 * - `o:endpoints`, a sorted set: by endpoint, when its first queue is due
 *
 * All have one TTL, which every write extends: together they hold everything or nothing.
 */
export const OUTBOX_STEPS = `
local UNSORTED = '${UNSORTED}'
local FULL_OF_EVENTS = '${FULL_OF_EVENTS}'
local OUTBOX_TTL = '${EVENT_LIFE_MS}'

local function isOutboxFull(max)
  return max and redis.call('HLEN', P .. 'o:entries') >= max
end

local function queueOf(endpoint, person) return text(#endpoint) .. ':' .. endpoint .. person end

local function readQueue(queue)
  local stored = redis.call('HGET', P .. 'o:queues', queue)
  if not stored then return false end
  local head, last, tries, lease = string.match(stored, '^(%d+) (%d+) (%d+) (.*)$')
  return { head = tonumber(head), last = tonumber(last), tries = tonumber(tries), lease = lease }
end

local function writeQueue(queue, state)
  local stored = text(state.head) .. ' ' .. text(state.last) .. ' ' .. text(state.tries) .. ' ' .. state.lease
  redis.call('HSET', P .. 'o:queues', queue, stored)
end

-- Records when the first queue of the endpoint is due. Call it after each change of its queues.
local function schedule(endpoint)
  local first = redis.call('ZRANGE', P .. 'o:due:' .. endpoint, 0, 0, 'WITHSCORES')
  if first[2] then redis.call('ZADD', P .. 'o:endpoints', first[2], endpoint)
  else redis.call('ZREM', P .. 'o:endpoints', endpoint) end
  for _, key in ipairs({ 'o:queues', 'o:entries', 'o:endpoints', 'o:due:' .. endpoint }) do
    redis.call('PEXPIRE', P .. key, OUTBOX_TTL)
  end
end

local function enqueue(endpoint, person, entry, now)
  local queue = queueOf(endpoint, person)
  local state = readQueue(queue)
  if not state then
    state = { head = 1, last = 0, tries = 0, lease = '' }
    redis.call('ZADD', P .. 'o:due:' .. endpoint, text(now), person)
  end
  state.last = state.last + 1
  redis.call('HSET', P .. 'o:entries', queue .. ' ' .. text(state.last), entry)
  writeQueue(queue, state)
  schedule(endpoint)
end

-- Claims the oldest entries of at most max due queues of the endpoint, and appends them to claims.
local function claimOf(endpoint, max, request, claims)
  if max <= 0 then return 0 end
  local due = P .. 'o:due:' .. endpoint
  local claimed = 0
  for _, person in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', text(request.now), 'LIMIT', 0, max)) do
    local queue = queueOf(endpoint, person)
    local state = readQueue(queue)
    local entry = state and redis.call('HGET', P .. 'o:entries', queue .. ' ' .. text(state.head))
    if entry then
      state.lease = request.lease
      writeQueue(queue, state)
      redis.call('ZADD', due, text(request.leaseEndsAt), person)
      claims[#claims + 1] = { endpoint, state.tries, entry }
      claimed = claimed + 1
    else
      redis.call('ZREM', due, person)
      redis.call('HDEL', P .. 'o:queues', queue)
    end
  end
  schedule(endpoint)
  return claimed
end

-- request: a ClaimRequest of core/outbox/outbox-store.ts, and lease. Returns endpoint, tries and
-- entry of each claim.
steps['claim events'] = function(request)
  local claims = {}
  claimOf(UNSORTED, request.unsorted, request, claims)
  local left = request.deliveries
  for _, endpoint in ipairs(redis.call('ZRANGEBYSCORE', P .. 'o:endpoints', '-inf', text(request.now))) do
    if endpoint ~= UNSORTED then
      left = left - claimOf(endpoint, math.min(left, request.room[endpoint] or request.perEndpoint), request, claims)
    end
  end
  return claims
end

-- The queue of a claim, if no other claim was made since.
local function claimedQueue(endpoint, person, lease)
  local queue = queueOf(endpoint, person)
  local state = readQueue(queue)
  if state and state.lease == lease then return queue, state end
end

-- deliveries: endpoint and entry of each.
steps['complete event'] = function(endpoint, person, lease, deliveries, now)
  local queue, state = claimedQueue(endpoint, person, lease)
  if not queue then return 0 end
  redis.call('HDEL', P .. 'o:entries', queue .. ' ' .. text(state.head))
  if state.head == state.last then
    redis.call('HDEL', P .. 'o:queues', queue)
    redis.call('ZREM', P .. 'o:due:' .. endpoint, person)
  else
    writeQueue(queue, { head = state.head + 1, last = state.last, tries = 0, lease = '' })
    redis.call('ZADD', P .. 'o:due:' .. endpoint, text(now), person)
  end
  schedule(endpoint)
  for _, delivery in ipairs(deliveries) do enqueue(delivery[1], person, delivery[2], now) end
  return 1
end

steps['retry event'] = function(endpoint, person, lease, dueAt)
  local queue, state = claimedQueue(endpoint, person, lease)
  if not queue then return 0 end
  writeQueue(queue, { head = state.head, last = state.last, tries = state.tries + 1, lease = '' })
  redis.call('ZADD', P .. 'o:due:' .. endpoint, text(dueAt), person)
  schedule(endpoint)
  return 1
end

steps['append event'] = function(person, entry, options)
  if isOutboxFull(options.maxEvents) then return 0 end
  enqueue(UNSORTED, person, entry, options.at)
  return 1
end

steps['count events'] = function() return redis.call('HLEN', P .. 'o:entries') end
`
