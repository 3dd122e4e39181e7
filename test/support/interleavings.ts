import fc from 'fast-check'
import { type Attempt, createAttempt, type Phone } from '../../lib/core/attempt/attempt'
import { sessionIdOf } from '../../lib/core/attempt/tokens'
import { type AttemptEvent, type Outcome, transition } from '../../lib/core/attempt/transition'
import { ProtocolError } from '../../lib/core/errors'
import { ADA, COMPUTER, KEYS, LIFETIMES, LIN, scanBy, T0 } from './fixtures'

// Most runs contain refusals, and their stack traces would cost more than the steps.
Error.stackTraceLimit = 0

const PHONES: readonly Phone[] = [ADA, LIN]

/** One step of a client. `waitMs`: the time before it. */
interface Step {
  attempt: 0 | 1
  event: (id: string) => AttemptEvent
  name: string
  waitMs: number
}

/** Sequences of steps of two computers and two phones, with repeats and delays. */
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
    if (name === 'confirm') return { type: 'confirm', phone: by, passkey: 'none' }
    if (name === 'redeem')
      return { type: 'redeem', ticketRight: true, sessionId: sessionIdOf(KEYS[0], id), maxTries: 5 }
    return { type: 'cancel', phone: name === 'cancelPhone' ? by : null }
  }
  return { attempt, event, name, waitMs }
}

/** Records the outcomes of one attempt, and throws if an invariant is violated. */
export class Witness {
  readonly scanners = new Set<string>()
  readonly sessions = new Set<string>()
  isCancelGranted = false
  isRedeemGranted = false
  #last: Attempt

  constructor(first: Attempt) {
    this.#last = first
  }

  record(name: string, { attempt, refusal, revokes }: Outcome): void {
    const before = this.#last
    hold(attempt.version === before.version || attempt.version === before.version + 1, 'one version at a time')
    this.#last = attempt
    if (attempt.status !== 'pending' && attempt.scan != null) this.scanners.add(attempt.scan.phone.sessionId)
    if (attempt.status === 'redeemed') this.sessions.add(attempt.sessionId)
    if (refusal !== undefined) return
    // "Wasn't you?" after the redeem revokes the session. The attempt stays redeemed.
    if (name.startsWith('cancel') && revokes === undefined) this.isCancelGranted = true
    if (revokes !== undefined) hold(attempt.status === 'redeemed', 'only a redeemed attempt is revoked')
    if (name === 'redeem') this.isRedeemGranted = true
    hold(this.scanners.size <= 1, 'one scanner')
    hold(this.sessions.size <= 1, 'one session')
    hold(!(this.isCancelGranted && this.isRedeemGranted), 'one winner')
    if (this.isCancelGranted) hold(attempt.status === 'cancelled', 'a granted cancel is final')
  }
}

/** Much cheaper than `expect`: it is called a million times. */
function hold(isTrue: boolean, invariant: string): void {
  if (!isTrue) throw new Error(`violated: ${invariant}`)
}

let lastId = 0
function newId(): string {
  lastId += 1
  return Buffer.from(lastId.toString().padStart(12, '0')).toString('base64url')
}

export function start(): [Attempt, Attempt] {
  return [
    createAttempt({ id: newId(), keyId: KEYS[0].id, computer: COMPUTER }, T0, LIFETIMES),
    createAttempt({ id: newId(), keyId: KEYS[0].id, computer: { ...COMPUTER, browserHash: 'other' } }, T0, LIFETIMES),
  ]
}

/** The outcome of an event on this read; null if it is refused. */
export function decide(read: Attempt, event: AttemptEvent, now: number): Outcome | null {
  try {
    return transition(read, event, now, LIFETIMES)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
