import { type Attempt, type Computer, createAttempt, type Lifetimes, type Phone } from '../../lib/core/attempt/attempt'
import { type AttemptEvent, transition } from '../../lib/core/attempt/transition'
import { deriveKeyring } from '../../lib/core/keys'

export const T0 = 1_800_000_000_000

export const LIFETIMES: Lifetimes = {
  attemptMs: 300_000,
  codePeriodMs: 30_000,
  confirmMs: 120_000,
  ticketMs: 60_000,
  confirmMinMs: 0,
}

export const KEYS = deriveKeyring(['a secret for tests that is long enough'])

export const COMPUTER: Computer = {
  browserHash: 'browser-hash',
  browser: 'Firefox',
  os: 'Linux',
  place: null,
  network: '203.0.113.7',
}

export const ADA: Phone = {
  sessionId: 'phone-of-ada',
  person: { id: 'ada', name: 'Ada Byron', avatarUrl: '/avatars/ada.svg' },
}

export const LIN: Phone = { sessionId: 'phone-of-lin', person: { id: 'lin', name: 'Lin Xia', avatarUrl: null } }

export const ID = 'AAAAAAAAAAAAAAAA'

export function pendingAttempt(id = ID): Attempt {
  return createAttempt({ id, keyId: KEYS[0].id, computer: COMPUTER }, T0, LIFETIMES)
}

export function scanBy(phone: Phone, facts: Partial<Extract<AttemptEvent, { type: 'scan' }>> = {}): AttemptEvent {
  return { type: 'scan', phone, codeAlive: true, sameNetwork: true, known: false, matchReasons: [], ...facts }
}

/** Applies events one after another, all at `T0`. */
export function afterEvents(attempt: Attempt, ...events: AttemptEvent[]): Attempt {
  return events.reduce((current, event) => transition(current, event, T0, LIFETIMES).attempt, attempt)
}
