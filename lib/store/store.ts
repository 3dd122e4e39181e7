import type { Attempt } from '../attempt/attempt'
import type { Outcome } from '../attempt/transition'
import type { Guard, Limits } from '../limits/limits'
import type { AnySession, ComputerSession } from '../session/session'

/** Embedded answers are there at once; shared stores answer later. Callers `await` either. */
type Awaitable<T> = T | Promise<T>

/** Ends a watch. May be called more than once. */
export type Unwatch = () => void

export type AccountChange =
  | { type: 'sessions' }
  | { type: 'revoked'; sessionId: string }
  /** An attempt that a phone of this person has scanned. */
  | { type: 'attempt'; attempt: Attempt }
  /** Something may have been said that was not heard: all has to be read again. */
  | { type: 'missed' }

/** What a change leads to: the attempt, and what begins with it, written in the same step. */
export interface Change extends Outcome {
  begins?: { session: ComputerSession; isKnownUntil: number }
}

export interface UpdateOptions {
  /** The attempt as just read: spares a read. When somebody was faster since, it is read again. */
  from?: Attempt | null
  /** Counted once, whatever comes of the change, and before anything is written or refused. */
  guard?: Guard
}

/**
 * Where attempts, sessions and limits live. The rules are not in here: `updateAttempt` runs a pure transition between a read
 * and a compare-and-set on `version`, and runs it again when somebody else was faster. Every adapter passes
 * `contract.ts`.
 *
 * Changes are announced after they are durable. Messages are hints: a watcher subscribes first and reads then.
 */
export interface Store extends Limits {
  /** @throws when the id is taken: ids are random, so that is a bug; and what the guard throws. */
  insertAttempt(attempt: Attempt, guard?: Guard): Awaitable<void>
  /** As stored; pass it through `attemptAt` to know its status. Null: never existed, or forgotten. */
  findAttempt(id: string): Awaitable<Attempt | null>
  /**
   * Null when there is no such attempt. What `change` throws is thrown, with nothing written. A refusal in the outcome
   * is the caller's to throw: it comes with a write.
   */
  updateAttempt(id: string, change: (attempt: Attempt) => Change, options?: UpdateOptions): Awaitable<Change | null>
  watchAttempt(id: string, listener: (attempt: Attempt) => void): Unwatch

  /** False when there is one of this id: it is left as it is, signed out or not. */
  insertSession(session: AnySession): Awaitable<boolean>
  /** Signed-out and expired ones too, until they are swept. */
  findSession(id: string): Awaitable<AnySession | null>
  /** The person's computers that are not signed out, newest first. */
  listSessions(personId: string): Awaitable<ComputerSession[]>
  touchSession(id: string, now: number): Awaitable<void>
  /** The session, or null when it does not exist or was signed out before: of all who sign it out at once, one did. */
  revokeSession(id: string, now: number): Awaitable<AnySession | null>
  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch

  rememberBrowser(personId: string, browserHash: string, until: number): Awaitable<void>
  isKnownBrowser(personId: string, browserHash: string, now: number): Awaitable<boolean>

  /** Forgets what is over, at most `limit` rows of each kind. Returns how many it forgot. */
  sweep(now: number, limit: number): Awaitable<number>
  /** Resolves when the store answers. */
  ping(): Awaitable<void>
  close(): Awaitable<void>
}
