import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ADA, COMPUTER, LIFETIMES, pendingAttempt, scanBy, T0 } from '../../../test/support/fixtures'
import type { Attempt } from '../../core/attempt/attempt'
import { transition } from '../../core/attempt/transition'
import type { AccountChange } from '../../core/store'
import { RedisWatch } from './watch'

/** A watch that receives no message, except those that a test passes to `receive`. */

const { browserHash: HASH } = COMPUTER
const PENDING = pendingAttempt()
const SCANNED = transition(PENDING, scanBy(ADA), T0, LIFETIMES).attempt
const CANCELLED = transition(PENDING, { type: 'cancel', phone: ADA }, T0, LIFETIMES).attempt

let watch: RedisWatch
let stored: Attempt
let isDown: boolean
let reads: number
let registered: string[]
let published: string[]
let failures: number

beforeEach(() => {
  vi.useFakeTimers({ now: T0 })
  stored = PENDING
  isDown = false
  reads = 0
  registered = []
  published = []
  failures = 0
  watch = new RedisWatch({
    now: Date.now,
    onError: () => {
      failures += 1
    },
    findAttempt: async () => {
      reads += 1
      if (isDown) throw new Error('down')
      return stored
    },
    register: async (kind, id) => {
      registered.push(`${kind} ${id}`)
    },
    readAndRegister: async (id, browserHash) => {
      registered.push(`w ${id}`)
      if (isDown) throw new Error('down')
      return browserHash === HASH ? stored : null
    },
    probeWrite: async () => {},
  })
})
afterEach(() => {
  watch.close()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const open = () => watch.attempt(PENDING.id, HASH, ({ status }) => published.push(status), T0)
const receive = (attempt: Attempt) => watch.receive(`attempt ${attempt.version} ${JSON.stringify(attempt)}`)

describe('with every message lost', () => {
  test('a scan is published within 16 s, and the next change within 2.5 s', async () => {
    await open()
    await pass(500)
    stored = SCANNED
    await pass(15_500)
    expect(published).toEqual(['scanned'])
    stored = { ...SCANNED, version: 3 }
    await pass(2_500)
    expect(published).toEqual(['scanned', 'scanned'])
  })

  test('a change after a watch of a scanned attempt is published within 2.5 s', async () => {
    stored = SCANNED
    await open()
    stored = { ...SCANNED, version: 3 }
    await pass(2_500)
    expect(published).toEqual(['scanned'])
  })

  test('an account is notified of possibly missed changes every 15 s', async () => {
    const changes: AccountChange[] = []
    watch.account('ada', (change) => changes.push(change))
    await pass(45_500)
    expect(changes).toEqual(Array(3).fill({ type: 'missed' }))
  })
})

test('after an interruption everything is read at once, and every second while the store is down', async () => {
  await open()
  isDown = true
  watch.rereadAll()
  await pass(2_600)
  expect([reads, failures]).toEqual([3, 3])
  isDown = false
  stored = SCANNED
  await pass(1_250)
  expect(published).toEqual(['scanned'])
})

test('after an interruption all registrations are renewed', async () => {
  await open()
  watch.account('ada', () => {})
  registered = []
  watch.rereadAll()
  expect(registered).toEqual([`w ${PENDING.id}`, 'v ada'])
})

test('a late message with an older version is not published', async () => {
  await open()
  receive(SCANNED)
  receive(PENDING)
  expect(published).toEqual(['scanned'])
})

test('a long watch renews its registration before the lease expires', async () => {
  await open()
  await open()
  expect(registered).toEqual([`w ${PENDING.id}`, `w ${PENDING.id}`])
  await pass(9 * 60_000)
  expect(registered.length).toBe(3)
})

test('a watch that is refused or fails leaves no listener', async () => {
  expect(await watch.attempt(PENDING.id, 'another browser', () => {}, T0)).toBeNull()
  isDown = true
  await expect(open()).rejects.toThrow('down')
  expect(watch.size).toBe(0)
})

test('a message that arrives while a watch begins is published', async () => {
  const opening = open()
  receive(SCANNED)
  await opening
  expect(published).toEqual(['scanned'])
})

test('an ended attempt, and one without listeners, is not read again', async () => {
  await open()
  receive(CANCELLED)
  const other = await watch.attempt('another', HASH, () => {}, T0)
  other?.unwatch()
  other?.unwatch()
  await pass(60_000)
  expect(reads).toBe(0)
})
