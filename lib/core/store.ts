import type { PasskeyStore } from './account/passkey-store'
import type { Attempt } from './attempt/attempt'
import type { Outcome } from './attempt/transition'
import type { Awaitable } from './awaitable'
import type { OutboxStore } from './outbox/outbox-store'
import type { Guard, Limits } from './rate-limit/limits'
import type { RecordStore } from './record-store'
import type { AnySession, ComputerSession, EndedBy, PhoneSession } from './session/session'

/** Ends a watch. May be called more than once. */
export type Unwatch = () => void

export type AccountChange =
  | { type: 'sessions' }
  | { type: 'revoked'; sessionId: string; by: EndedBy }
  /** An attempt that a phone of this person has scanned. */
  | { type: 'attempt'; attempt: Attempt }
  /** Messages may have been lost: everything has to be read again. */
  | { type: 'missed' }

/** A new session, and the rule for the sessions that end in the same step. */
export interface SessionStart<S extends AnySession = AnySession> {
  session: S
  /** Epoch ms. */
  now: number
  /** The older session of the same browser, of any person. It ends by `here`. Null: none. */
  replaces: string | null
  /**
   * How many live sessions of this kind the person keeps, this one included. The oldest ones
   * beyond that end.
   */
  keeps: number
  /** Why those sessions end. */
  by: EndedBy
  /** How long a session of this kind stays live without use, in ms. */
  idleMs: number
}

/**
 * Stops a session whose attempt was scanned before a sign-out. A sign-out calls `remember` with its
 * time plus a constant as `until`. The new session is refused if one of `entries` in `scope` has an
 * `until` later than `since`.
 */
export interface RevocationMark {
  scope: string
  entries: readonly string[]
  /** The time of the scan plus the same constant (epoch ms). */
  since: number
  /** Creates the error that is thrown. */
  refuse: () => Error
}

/** A session that a step has signed out. */
export interface EndedSession {
  session: AnySession
  by: EndedBy
}

/** The result of a change: the attempt, and the session that begins, written in the same step. */
export interface Change extends Outcome {
  begins?: SessionStart<ComputerSession> & {
    /** Until when the session's browser is known to the person (epoch ms). */
    isKnownUntil: number
    revocation: RevocationMark
  }
}

/** The result of a compare-and-set. */
export type CompareAndSetResult =
  /** `ended`: the sessions that ended with the change. */
  | { isWritten: true; ended: readonly EndedSession[] }
  /** Another write came first. `current`: the attempt as stored now; null if it is gone. */
  | { isWritten: false; current: Attempt | null }

/** A watched attempt, as it was read in the same step. */
export interface Watched {
  attempt: Attempt
  /** Does nothing if the attempt had ended: it is not watched then. */
  unwatch: Unwatch
}

/** The sessions of a person that a sign-out ends. */
export interface RevokeAll {
  kind: AnySession['kind']
  /** The session that stays signed in. Null: none. */
  exceptId: string | null
  now: number
  by: EndedBy
}

/**
 * The port for attempts, sessions, passkeys, records, limits and events. It contains no rules:
 * `updateAttempt` decides what is written, and `notifications.ts` who is notified. Every adapter
 * passes `test/contracts/store.ts`.
 *
 * A change is published after it is written. Messages are hints and may be lost, so a watch reads
 * the attempt in the same step.
 */
export interface Store extends Limits, PasskeyStore, RecordStore, OutboxStore {
  /**
   * @throws Error if the id exists: ids are random, so that is a bug; the guard's error if it is
   * full; `FullError` if the store has `MAX_ATTEMPTS` attempts.
   */
  insertAttempt(attempt: Attempt, guard?: Guard): Awaitable<void>
  /**
   * Returns the attempt as stored: pass it to `attemptAt` for its current status. Null: it never
   * existed, or was deleted.
   */
  findAttempt(id: string): Awaitable<Attempt | null>
  /**
   * Writes the attempt of the change, the session that begins, and the guard's counters in one step
   * if the stored version is that of `before`. Otherwise it writes nothing. Callers use
   * `updateAttempt` instead.
   * @throws the errors of the guard and of the bar; `FullError` if a rule of the guard has
   * `MAX_COUNTERS_PER_RULE` counters, or if the outbox is full and the change `needsRoom`.
   */
  compareAndSet(before: Attempt, change: Change, guard?: Guard): Awaitable<CompareAndSetResult>
  /**
   * Reads an attempt and watches it, in one step. Null for an unknown attempt and for another
   * browser's attempt. In both cases, and for an attempt that has ended, nothing stays registered.
   */
  watchAttempt(
    id: string,
    browserHash: string,
    listener: (attempt: Attempt) => void,
    now: number,
  ): Awaitable<Watched | null>

  /**
   * Returns the sessions that ended in the same step. Null if a session with this id exists: it is
   * not changed, whether signed out or not.
   * @throws FullError for a computer if the outbox is full.
   */
  insertSession(beginning: SessionStart): Awaitable<readonly EndedSession[] | null>
  /**
   * Also finds signed-out and expired sessions until they are swept. Name, picture and device of a
   * signed-out session may be empty. Null: unknown.
   */
  findSession(id: string): Awaitable<AnySession | null>
  /** The person's sessions of this kind that are not signed out, newest first. */
  listSessions(personId: string, kind: 'computer'): Awaitable<ComputerSession[]>
  listSessions(personId: string, kind: 'phone'): Awaitable<PhoneSession[]>
  /**
   * Records that the session was used. If the embedded store cannot write, it skips this: the
   * session may then end sooner.
   */
  touchSession(id: string, now: number): Awaitable<void>
  /** Records that a phone has acknowledged the notice of this session. */
  acknowledgeSession(id: string): Awaitable<void>
  /**
   * Signs the session out and returns it. Null if it does not exist or was signed out before: of
   * concurrent calls exactly one gets the session. If `endsTrust(by)`, its browser is no longer
   * known to the person.
   */
  revokeSession(id: string, now: number, by: EndedBy): Awaitable<AnySession | null>
  /** Does the same for all of the person's sessions of one kind, except one. */
  revokeSessions(personId: string, which: RevokeAll): Awaitable<readonly EndedSession[]>
  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch

  /**
   * Keeps an entry in a scope until a time (epoch ms): a browser that a person has signed in from,
   * an address that a name has signed in from, or a sign-out (see `RevocationMark`). The
   * `MAX_REMEMBERED` entries of a scope with the latest `until` are kept.
   */
  remember(scope: string, entry: string, until: number, now: number): Awaitable<void>
  remembers(scope: string, entry: string, now: number): Awaitable<boolean>
  forget(scope: string, entry: string): Awaitable<void>
  /** Deletes all entries of the scope except one. Null: all. */
  forgetOthers(scope: string, except: string | null): Awaitable<void>

  /** The number of attempts and accounts that this process watches. */
  readonly watching: number

  /** Deletes expired rows, at most `limit` of each kind. Returns how many. */
  sweep(now: number, limit: number): Awaitable<number>
  /**
   * Resolves when the earlier writes of this process are durable. `ending` (a cancel or a sign-out,
   * which must not be undone): they are on the disk of the embedded store, or on a replica of the
   * shared store if it has one. `sign-in`: they are on the disk of the embedded store; a shared
   * store follows its own settings.
   * @throws a failure of the store if durability is not confirmed in time. The write stands, and
   * the client repeats the request.
   */
  confirmDurable(kind: 'sign-in' | 'ending'): Awaitable<void>

  /** Resolves if the store accepts writes. */
  ping(): Awaitable<void>
  /**
   * Writes after it fail as a failure of the store, and never end the process. May be called more
   * than once.
   */
  close(): Awaitable<void>
}

/** The maximum number of attempts in a store, ended ones included. */
export const MAX_ATTEMPTS = 500_000

/** The maximum number of entries in a scope of `remember`. */
export const MAX_REMEMBERED = 100
