import type { Attempt } from './attempt/attempt'
import type { Outcome } from './attempt/transition'
import type { Awaitable } from './awaitable'
import type { Guard, Limits } from './rate-limit/limits'
import type { AnySession, ComputerSession, EndedBy, PhoneSession } from './session/session'

/** Ends a watch. May be called more than once. */
export type Unwatch = () => void

export type AccountChange =
  | { type: 'sessions' }
  | { type: 'revoked'; sessionId: string; by: EndedBy }
  /** An attempt that a phone of this person has scanned. */
  | { type: 'attempt'; attempt: Attempt }
  /** Messages may have been lost: all has to be read again. */
  | { type: 'missed' }

/** A session that begins, and what ends in the same step. */
export interface Beginning<S extends AnySession = AnySession> {
  session: S
  /** Epoch ms. */
  now: number
  /** The session that the same browser had before, of any person; it ends `here`. Null: none. */
  replaces: string | null
  /**
   * How many live sessions of this kind the person keeps, this one included. The oldest of the
   * others end.
   */
  keeps: number
  /** Why the others end. */
  by: EndedBy
  /** How long a session of this kind lives without use: what is over is not live. */
  idleMs: number
}

/**
 * What a sign-out forbids: a session that an earlier yes would lead to. `who` and `whats`: as given
 * to `remember`, which keeps the time of the sign-out plus some; one of them after `since` forbids
 * it.
 */
export interface Bar {
  who: string
  whats: readonly string[]
  since: number
  refuse: () => Error
}

/** A session that was signed out by a step. */
export interface Ended {
  session: AnySession
  by: EndedBy
}

/** What a change leads to: the attempt, and what begins with it, written in the same step. */
export interface Change extends Outcome {
  begins?: Beginning<ComputerSession> & {
    /** Until when its browser is known to the person (epoch ms). */
    isKnownUntil: number
    bar: Bar
  }
}

/** What a compare-and-set leads to. */
export type CompareAndSetResult =
  /** `ended`: the sessions that ended with the change. */
  | { isWritten: true; ended: readonly Ended[] }
  /** Another process was faster. `current`: the attempt as it is now; null when it is gone. */
  | { isWritten: false; current: Attempt | null }

/** An attempt that is watched, as it was read in the same step. */
export interface Watched {
  attempt: Attempt
  /** Does nothing where the attempt had ended: then nothing is watched. */
  unwatch: Unwatch
}

/** Which sessions of a person a sign-out is about. */
export interface RevokeAll {
  kind: AnySession['kind']
  /** Stays signed in. Null: none. */
  exceptId: string | null
  now: number
  by: EndedBy
}

/**
 * Where attempts, sessions and limits live. The rules are not in here: `updateAttempt` decides what
 * is written, `notifications.ts` who is notified. Every adapter passes `test/contracts/store.ts`.
 *
 * Changes are published after they are durable. Messages are hints: what is watched is read in the
 * same step.
 */
export interface Store extends Limits {
  /**
   * @throws when the id is taken: ids are random, so that is a bug; what the guard throws;
   * `FullError` when there are too many attempts.
   */
  insertAttempt(attempt: Attempt, guard?: Guard): Awaitable<void>
  /**
   * As stored; pass it through `attemptAt` to know its status. Null: never existed, or forgotten.
   */
  findAttempt(id: string): Awaitable<Attempt | null>
  /**
   * Writes the attempt of the change, what begins with it, and the count of the guard in one step,
   * if the version that is stored is that of `before`. Otherwise none of them is written. For
   * `updateAttempt`, which is what callers use.
   * @throws what the guard and the bar refuse with; `FullError` when a rule has no room.
   */
  compareAndSet(before: Attempt, change: Change, guard?: Guard): Awaitable<CompareAndSetResult>
  /**
   * Reads an attempt and watches it, in one step. Null for an unknown attempt and for one of
   * another browser: nothing is kept for either, nor for one that has ended.
   */
  watchAttempt(
    id: string,
    browserHash: string,
    listener: (attempt: Attempt) => void,
    now: number,
  ): Awaitable<Watched | null>

  /**
   * The sessions that ended with it. Null when there is one of this id: it is left as it is, signed
   * out or not.
   */
  insertSession(beginning: Beginning): Awaitable<readonly Ended[] | null>
  /**
   * Signed-out and expired ones too, until they are swept; name, picture and device of a signed-out
   * one may be empty.
   */
  findSession(id: string): Awaitable<AnySession | null>
  /** The person's computers or phones that are not signed out, newest first. */
  listSessions(personId: string, kind: 'computer'): Awaitable<ComputerSession[]>
  listSessions(personId: string, kind: 'phone'): Awaitable<PhoneSession[]>
  /**
   * Records its use. The embedded store leaves that out where it cannot write: the session may end
   * sooner.
   */
  touchSession(id: string, now: number): Awaitable<void>
  /** Records that a phone has answered its notice. */
  acknowledgeSession(id: string): Awaitable<void>
  /**
   * The session, or null when it does not exist or was signed out before: of parallel calls, one
   * gets it. Its browser is forgotten with it where `endsTrust(by)`.
   */
  revokeSession(id: string, now: number, by: EndedBy): Awaitable<AnySession | null>
  /** The same for all of a person's sessions of one kind but one, in one step. */
  revokeSessions(personId: string, which: RevokeAll): Awaitable<readonly Ended[]>
  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch

  /**
   * Remembers that `what` is trusted by `who` (a person's browser, an address that a name has
   * signed in from) until then (epoch ms). The newest `MAX_REMEMBERED` of each `who` are kept.
   */
  remember(who: string, what: string, until: number, now: number): Awaitable<void>
  remembers(who: string, what: string, now: number): Awaitable<boolean>
  /** Forgets one. */
  forget(who: string, what: string): Awaitable<void>
  /** Forgets all of them but one; null: all. */
  forgetOthers(who: string, except: string | null): Awaitable<void>

  /** How many attempts and accounts this process watches. */
  readonly watching: number

  /** Forgets what is over, at most `limit` rows of each kind. Returns how many it forgot. */
  sweep(now: number, limit: number): Awaitable<number>
  /**
   * Resolves when what this process has written before cannot get lost any more. `ending`: what
   * must not come back (a cancel, a sign-out) is on the disk or, where there are replicas, on one
   * of them. `sign-in`: it is on the disk of an embedded store; a shared one keeps to its own
   * settings.
   * @throws a failure of the store when that is not certain in time: the write stands, and is to be
   * repeated.
   */
  confirmDurable(what: 'sign-in' | 'ending'): Awaitable<void>

  /** Resolves when the store can be written. */
  ping(): Awaitable<void>
  close(): Awaitable<void>
}

/** Attempts that a store keeps at most, ended ones included. */
export const MAX_ATTEMPTS = 500_000

export const MAX_REMEMBERED = 100
