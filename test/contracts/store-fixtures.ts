import type { Attempt } from '../../lib/core/attempt/attempt'
import { type AttemptEvent, transition } from '../../lib/core/attempt/transition'
import { type AnySession, type ComputerSession, createComputerSession } from '../../lib/core/session/session'
import type { SessionStart, Store } from '../../lib/core/store'
import { ADA, COMPUTER, LIFETIMES, pendingAttempt, T0 } from '../support/fixtures'

export const SESSION_LIFETIMES = { computerMs: 604_800_000, computerIdleMs: 86_400_000, phoneIdleMs: 2_592_000_000 }
export const UNKNOWN_DEVICE = { browser: null, os: null, place: null }
export const { browserHash: HASH } = COMPUTER

export const computer = (id: string, person = ADA.person, now = T0, browserHash = HASH): ComputerSession =>
  createComputerSession({ id, person, computer: { ...UNKNOWN_DEVICE, browserHash }, amr: [] }, now, SESSION_LIFETIMES)

/** A new session without an older one; the person keeps 20. */
export const beginning = <S extends AnySession>(
  session: S,
  facts: Partial<Omit<SessionStart, 'session'>> = {},
): SessionStart<S> => ({
  session,
  now: session.signedInAt,
  replaces: null,
  keeps: 20,
  by: 'limit',
  idleMs: SESSION_LIFETIMES.computerIdleMs,
  ...facts,
})

export const apply =
  (event: AttemptEvent, now = T0) =>
  (attempt: Attempt) =>
    transition(attempt, event, now, LIFETIMES)
export const id = pendingAttempt().id

export interface StoreUnderTest {
  /** With a capacity of 100 attempts, 50 counters per rule, 50 records, and 20 events. */
  store: Store
  /** The number of keys, rows and listeners that exist for watched attempts. */
  countWatchers: () => Promise<number> | number
  /** Another connection to the same data, as after a restart or from another server. */
  reopen: () => Promise<Store>
  dispose: () => Promise<void>
}
