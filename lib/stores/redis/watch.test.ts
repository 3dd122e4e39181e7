import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ADA, COMPUTER, LIFETIMES, pendingAttempt, scanBy, T0 } from '../../../test/support/fixtures'
import type { Attempt } from '../../core/attempt/attempt'
import { transition } from '../../core/attempt/transition'
import type { AccountChange } from '../../core/store'
import { RedisWatch } from './watch'

/** A process that watches a store whose every message is lost, unless a test hands one over. */

const { browserHash: HASH } = COMPUTER
const PENDING = pendingAttempt()
const SCANNED = transition(PENDING, scanBy(ADA), T0, LIFETIMES).attempt
const CANCELLED = transition(PENDING, { type: 'cancel', phone: ADA }, T0, LIFETIMES).attempt

let watch: RedisWatch
let stored: Attempt
let isAway: boolean
let reads: number
let said: string[]
let seen: string[]
let failures: number

beforeEach(() => {
  vi.useFakeTimers({ now: T0 })
  stored = PENDING
  isAway = false
  reads = 0
  said = []
  seen = []
  failures = 0
  watch = new RedisWatch({
    now: Date.now,
    onError: () => {
      failures += 1
    },
    findAttempt: async () => {
      reads += 1
      if (isAway) throw new Error('away')
      return stored
    },
    watch: async (kind, id) => {
      said.push(`${kind} ${id}`)
    },
    readAndWatch: async (id, browserHash) => {
      said.push(`w ${id}`)
      if (isAway) throw new Error('away')
      return browserHash === HASH ? stored : null
    },
    here: async () => {},
  })
})
afterEach(() => {
  watch.close()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const open = () => watch.attempt(PENDING.id, HASH, ({ status }) => seen.push(status), T0)
const hear = (attempt: Attempt) => watch.hear(`attempt ${attempt.version} ${JSON.stringify(attempt)}`)

describe('with every message lost', () => {
  test('a scan is told within 16 s, and what follows it within 2.5 s', async () => {
    await open()
    await pass(500)
    stored = SCANNED
    await pass(15_500)
    expect(seen).toEqual(['scanned'])
    stored = { ...SCANNED, version: 3 }
    await pass(2_500)
    expect(seen).toEqual(['scanned', 'scanned'])
  })

  test('so it is for who opened the page after the scan', async () => {
    stored = SCANNED
    await open()
    stored = { ...SCANNED, version: 3 }
    await pass(2_500)
    expect(seen).toEqual(['scanned'])
  })

  test('an account is said to have missed something every 15 s', async () => {
    const changes: AccountChange[] = []
    watch.account('ada', (change) => changes.push(change))
    await pass(45_500)
    expect(changes).toEqual(Array(3).fill({ type: 'missed' }))
  })
})

test('after an interruption all is read at once, and again after a second while the store is away', async () => {
  await open()
  isAway = true
  watch.readAll()
  await pass(2_600)
  expect([reads, failures]).toEqual([3, 3])
  isAway = false
  stored = SCANNED
  await pass(1_250)
  expect(seen).toEqual(['scanned'])
})

test('a store that comes back empty is told again who watches', async () => {
  await open()
  watch.account('ada', () => {})
  said = []
  watch.readAll()
  expect(said).toEqual([`w ${PENDING.id}`, 'v ada'])
})

test('an older state that comes late is not told', async () => {
  await open()
  hear(SCANNED)
  hear(PENDING)
  expect(seen).toEqual(['scanned'])
})

test('whoever watches for long says so again before it is forgotten', async () => {
  await open()
  await open()
  expect(said).toEqual([`w ${PENDING.id}`, `w ${PENDING.id}`])
  await pass(9 * 60_000)
  expect(said.length).toBe(3)
})

test('a watch that is refused, or fails, leaves no listener behind', async () => {
  expect(await watch.attempt(PENDING.id, 'another browser', () => {}, T0)).toBeNull()
  isAway = true
  await expect(open()).rejects.toThrow('away')
  expect(watch.size).toBe(0)
})

test('a message that comes while a watch begins is told', async () => {
  const opening = open()
  hear(SCANNED)
  await opening
  expect(seen).toEqual(['scanned'])
})

test('what is over, or watched by no client, is not read any more', async () => {
  await open()
  hear(CANCELLED)
  const other = await watch.attempt('another', HASH, () => {}, T0)
  other?.unwatch()
  other?.unwatch()
  await pass(60_000)
  expect(reads).toBe(0)
})
