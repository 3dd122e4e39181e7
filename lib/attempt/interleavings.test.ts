import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { SqliteStore } from '../store/sqlite'
import { ADA, COMPUTER, KEYS, LIFETIMES, LIN, scanBy, T0 } from '../testing/fixtures'
import { type Attempt, attemptAt, createAttempt, type Phone } from './attempt'
import { ProtocolError } from './errors'
import { sessionIdOf } from './tokens'
import { type AttemptEvent, type Outcome, transition } from './transition'

/** Interleavings that are tried, of each kind. */
const RUNS = 100_000

const PHONES: readonly Phone[] = [ADA, LIN]

/** One step of somebody: which computer's attempt, what, when, and whether its read is older than its write. */
interface Step {
  attempt: 0 | 1
  event: (id: string) => AttemptEvent
  name: string
  waitMs: number
}

const steps = fc.array(
  fc.record({
    attempt: fc.constantFrom<0 | 1>(0, 1),
    phone: fc.constantFrom(0, 1),
    name: fc.constantFrom(
      'scan',
      'scan',
      'match',
      'confirm',
      'confirm',
      'cancelPhone',
      'cancelPage',
      'redeem',
      'redeem',
    ),
    right: fc.boolean(),
    matchRequired: fc.boolean(),
    waitMs: fc.constantFrom(0, 0, 0, 1_000, 9_999, 40_000, 61_000),
    isStale: fc.boolean(),
  }),
  { minLength: 4, maxLength: 16 },
)

type Drawn = Parameters<Parameters<typeof steps.map>[0]>[0][number]

function toStep({ attempt, phone, name, right, matchRequired, waitMs }: Drawn): Step {
  const by = PHONES[phone] as Phone
  const event = (id: string): AttemptEvent => {
    if (name === 'scan') return scanBy(by, { matchRequired, codeAlive: right })
    if (name === 'match') return { type: 'match', right }
    if (name === 'confirm') return { type: 'confirm', phone: by }
    if (name === 'redeem') return { type: 'redeem', ticketRight: true, sessionId: sessionIdOf(KEYS, id) }
    return { type: 'cancel', by: name === 'cancelPhone' ? 'phone' : 'computer' }
  }
  return { attempt, event, name, waitMs }
}

/** Watches one attempt from outside: remembers what was granted and checks what may never happen. */
class Witness {
  readonly scanners = new Set<string>()
  readonly sessions = new Set<string>()
  isCancelGranted = false
  isRedeemGranted = false
  #last: Attempt

  constructor(first: Attempt) {
    this.#last = first
  }

  see(name: string, { attempt, refusal }: Outcome): void {
    const before = this.#last
    if (attempt.version !== before.version) expect(attempt.version).toBe(before.version + 1)
    this.#last = attempt
    if (attempt.status !== 'pending' && attempt.scan != null) this.scanners.add(attempt.scan.phone.sessionId)
    if (attempt.status === 'redeemed') this.sessions.add(attempt.sessionId)
    if (refusal !== undefined) return
    if (name.startsWith('cancel')) this.isCancelGranted = true
    if (name === 'redeem') this.isRedeemGranted = true
    expect(this.scanners.size, 'one scanner').toBeLessThanOrEqual(1)
    expect(this.sessions.size, 'one session').toBeLessThanOrEqual(1)
    expect(this.isCancelGranted && this.isRedeemGranted, 'one winner').toBe(false)
    if (this.isCancelGranted) expect(attempt.status).toBe('cancelled')
  }
}

function fail(error: unknown): never {
  throw error
}

let made = 0
function newId(): string {
  made += 1
  return Buffer.from(made.toString().padStart(12, '0')).toString('base64url')
}

function start(): [Attempt, Attempt] {
  return [
    createAttempt({ id: newId(), computer: COMPUTER }, T0, LIFETIMES),
    createAttempt({ id: newId(), computer: { ...COMPUTER, browserHash: 'other' } }, T0, LIFETIMES),
  ]
}

/** A slow server's write: it decided on an old read. True when the write counts. */
type Cas = (read: Attempt, stored: Attempt) => boolean

const compareAndSet: Cas = (read, stored) => read.version === stored.version

/** Runs the steps against the pure domain, with reads that may be older than the write, under the given rule for writes. */
function playDomain(drawn: Drawn[], maySet: Cas): void {
  const stored: [Attempt, Attempt] = start()
  const oldReads: [Attempt, Attempt] = [...stored]
  const witnesses = stored.map((attempt) => new Witness(attempt))
  let now = T0
  for (const each of drawn) {
    const { attempt: index, event, name, waitMs } = toStep(each)
    now += waitMs
    const first = each.isStale ? oldReads[index] : stored[index]
    oldReads[index] = stored[index]
    for (const read of [first, stored[index]]) {
      const outcome = decide(read, event(read.id), now)
      if (outcome === null) break
      const isWrite = outcome.attempt !== read
      if (isWrite && !maySet(read, stored[index])) continue
      if (isWrite) stored[index] = outcome.attempt
      if (isWrite || read === stored[index]) witnesses[index]?.see(name, outcome)
      break
    }
  }
}

function decide(read: Attempt, event: AttemptEvent, now: number): Outcome | null {
  try {
    return transition(read, event, now, LIFETIMES)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

describe('two computers, two phones, retries and time, in any order', () => {
  test('the domain with a compare-and-set: one scanner, one winner, one session', { timeout: 180_000 }, () => {
    fc.assert(
      fc.property(steps, (drawn) => playDomain(drawn, compareAndSet)),
      { numRuns: RUNS },
    )
  })

  test('without the compare-and-set the same check fails: it has teeth', () => {
    const blind = fc.property(steps, (drawn) => playDomain(drawn, () => true))
    expect(fc.check(blind, { numRuns: RUNS, endOnFailure: true }).failed).toBe(true)
  })

  const folder = mkdtempSync(join(tmpdir(), 'qr-login-races-'))
  const store = new SqliteStore(folder, fail)
  afterAll(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })

  function apply(id: string, event: AttemptEvent, now: number): Outcome | null {
    try {
      return store.updateAttempt(id, (read) => transition(read, event, now, LIFETIMES))
    } catch (error) {
      if (error instanceof ProtocolError) return null
      throw error
    }
  }

  test('the embedded store: one scanner, one winner, one session, and the same end as the domain', {
    timeout: 300_000,
  }, () => {
    const run = fc.property(steps, (drawn) => {
      const attempts = start()
      const expected: Attempt[] = [...attempts]
      const witnesses = attempts.map((attempt) => new Witness(attempt))
      for (const attempt of attempts) store.insertAttempt(attempt)
      let now = T0
      for (const each of drawn) {
        const { attempt: index, event, name, waitMs } = toStep(each)
        now += waitMs
        const { id } = attempts[index]
        const should = decide(expected[index] as Attempt, event(id), now)
        const outcome = apply(id, event(id), now)
        if (!isDeepStrictEqual(outcome, should)) expect(outcome).toEqual(should)
        if (outcome === null) continue
        expected[index] = outcome.attempt
        witnesses[index]?.see(name, outcome)
      }
      for (const [index, { id }] of attempts.entries()) {
        const found = store.findAttempt(id) as Attempt
        if (!isDeepStrictEqual(found, expected[index])) expect(found).toEqual(expected[index])
        expect(attemptAt(found, now).version).toBeGreaterThanOrEqual(found.version)
      }
      store.sweep(Number.MAX_SAFE_INTEGER, 100)
    })
    fc.assert(run, { numRuns: RUNS })
  })
})
