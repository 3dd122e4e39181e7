import type { Attempt } from '../../lib/core/attempt/attempt'
import { type AttemptEvent, transition } from '../../lib/core/attempt/transition'
import { type AnySession, type ComputerSession, createComputerSession } from '../../lib/core/session/session'
import type { Beginning, Store } from '../../lib/core/store'
import { ADA, COMPUTER, LIFETIMES, pendingAttempt, T0 } from '../support/fixtures'

/** What the parts of the contract share. */

export const SESSION_LIFETIMES = { computerMs: 604_800_000, computerIdleMs: 86_400_000, phoneIdleMs: 2_592_000_000 }
export const UNKNOWN_DEVICE = { browser: null, os: null, place: null }
export const { browserHash: HASH } = COMPUTER

export const computer = (id: string, person = ADA.person, now = T0, browserHash = HASH): ComputerSession =>
  createComputerSession({ id, person, computer: { ...UNKNOWN_DEVICE, browserHash } }, now, SESSION_LIFETIMES)

/** As it begins: after this one the person keeps so many. */
export const beginning = <S extends AnySession>(
  session: S,
  facts: Partial<Omit<Beginning, 'session'>> = {},
): Beginning<S> => ({
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
  /** With room for 100 attempts, and for 50 counters of each rule. */
  store: Store
  /** How many keys, rows or listeners there are for watching attempts. */
  countWatchers: () => Promise<number> | number
  /** Another connection to the same data, as after a restart or from another server. */
  reopen: () => Promise<Store>
  dispose: () => Promise<void>
}
