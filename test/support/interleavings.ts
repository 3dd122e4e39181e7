import fc from 'fast-check'
import { type Attempt, createAttempt, type Phone } from '../../lib/core/attempt/attempt'
import { sessionIdOf } from '../../lib/core/attempt/tokens'
import { type AttemptEvent, type Outcome, transition } from '../../lib/core/attempt/transition'
import { ProtocolError } from '../../lib/core/errors'
import { ADA, COMPUTER, KEYS, LIFETIMES, LIN, scanBy, T0 } from './fixtures'

/** Two computers, two phones, retries and time, in any order. For tests only. */

// Most runs have refusals in them, whose stacks would cost more than the steps.
Error.stackTraceLimit = 0

const PHONES: readonly Phone[] = [ADA, LIN]

/**
 * One step of a client: which computer's attempt, what, when, and whether its read is older than
 * its write.
 */
interface Step {
  attempt: 0 | 1
  event: (id: string) => AttemptEvent
  name: string
  waitMs: number
}

export const steps = fc.array(
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

export type Drawn = Parameters<Parameters<typeof steps.map>[0]>[0][number]

export function toStep({ attempt, phone, name, right, matchRequired, waitMs }: Drawn): Step {
  const by = PHONES[phone] as Phone
  const event = (id: string): AttemptEvent => {
    if (name === 'scan') return scanBy(by, { matchReasons: matchRequired ? ['policy'] : [], codeAlive: right })
    if (name === 'match') return { type: 'match', right }
    if (name === 'confirm') return { type: 'confirm', phone: by }
    if (name === 'redeem')
      return { type: 'redeem', ticketRight: true, sessionId: sessionIdOf(KEYS[0], id), maxTries: 5 }
    return { type: 'cancel', phone: name === 'cancelPhone' ? by : null }
  }
  return { attempt, event, name, waitMs }
}

/**
 * Watches one attempt from outside: remembers what was granted and checks what may never happen.
 */
export class Witness {
  readonly scanners = new Set<string>()
  readonly sessions = new Set<string>()
  isCancelGranted = false
  isRedeemGranted = false
  #last: Attempt

  constructor(first: Attempt) {
    this.#last = first
  }

  see(name: string, { attempt, refusal, revokes }: Outcome): void {
    const before = this.#last
    hold(attempt.version === before.version || attempt.version === before.version + 1, 'one version at a time')
    this.#last = attempt
    if (attempt.status !== 'pending' && attempt.scan != null) this.scanners.add(attempt.scan.phone.sessionId)
    if (attempt.status === 'redeemed') this.sessions.add(attempt.sessionId)
    if (refusal !== undefined) return
    // "Wasn't you?" after the sign-in ends the session and leaves the attempt as it is.
    if (name.startsWith('cancel') && revokes === undefined) this.isCancelGranted = true
    if (revokes !== undefined) hold(attempt.status === 'redeemed', 'a sign-in that is ended has been')
    if (name === 'redeem') this.isRedeemGranted = true
    hold(this.scanners.size <= 1, 'one scanner')
    hold(this.sessions.size <= 1, 'one session')
    hold(!(this.isCancelGranted && this.isRedeemGranted), 'one winner')
    if (this.isCancelGranted) hold(attempt.status === 'cancelled', 'cancelled for good')
  }
}

/** Costs nothing where it holds, unlike `expect`: it is asked a million times. */
function hold(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`does not hold: ${what}`)
}

let made = 0
function newId(): string {
  made += 1
  return Buffer.from(made.toString().padStart(12, '0')).toString('base64url')
}

export function start(): [Attempt, Attempt] {
  return [
    createAttempt({ id: newId(), keyId: KEYS[0].id, computer: COMPUTER }, T0, LIFETIMES),
    createAttempt({ id: newId(), keyId: KEYS[0].id, computer: { ...COMPUTER, browserHash: 'other' } }, T0, LIFETIMES),
  ]
}

/** What the rules say to an event on this read; null when they refuse it. */
export function decide(read: Attempt, event: AttemptEvent, now: number): Outcome | null {
  try {
    return transition(read, event, now, LIFETIMES)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
