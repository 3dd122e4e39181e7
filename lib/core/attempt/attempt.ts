import type { PersonRecord } from '../account/person'
import type { MatchReason } from './risk'

/** A signed-in phone: the same person on another phone session is another phone. */
export interface Phone {
  sessionId: string
  person: PersonRecord
}

/**
 * What is remembered of the browser that started the attempt. `network` and `browserHash` are never
 * shown to anyone.
 */
export interface Computer {
  /** SHA-256 of the browser secret, base64url. */
  browserHash: string
  /** Family, never a version; null when the user agent does not name it. */
  browser: string | null
  os: string | null
  /** Approximate place; null unless a trusted source gives one. */
  place: string | null
  /** See `networkOf`; null when the address is unknown. */
  network: string | null
}

/** The number that is shown on the phone and typed on the computer. Two tries. */
interface Match {
  required: boolean
  passed: boolean
  attemptsLeft: number
  /** Why it is required. Empty when it is not; undefined in records of older versions. */
  reasons?: readonly MatchReason[]
}

/** What a scan adds to an attempt. Exists from `scanned` on and never changes hands. */
interface Scan {
  phone: Phone
  /** Undefined in records of older versions. */
  scannedAt?: number
  sameNetwork: boolean
  known: boolean
  match: Match
}

interface Base {
  id: string
  /** Grows by one at each transition; every write compares it. */
  version: number
  /** Epoch ms, as all times in here; the server's clock alone decides. */
  createdAt: number
  /**
   * The id of the keys that its ticket, number and session id come from, so that every process
   * gives the same ones while the secret is rotated. Undefined in records of older versions.
   */
  keyId?: string
  computer: Computer
}

export interface Pending extends Base {
  status: 'pending'
  expiresAt: number
}

export interface Scanned extends Base {
  status: 'scanned'
  expiresAt: number
  scan: Scan
}

export interface Confirmed extends Base {
  status: 'confirmed'
  expiresAt: number
  scan: Scan
  /** How often its own browser has tried to redeem it. Undefined: never. */
  redeemTries?: number
}

export interface Redeemed extends Base {
  status: 'redeemed'
  endedAt: number
  scan: Scan
  sessionId: string
  redeemTries?: number
}

export type CancelledBy = 'phone' | 'computer' | 'match'

interface Cancelled extends Base {
  status: 'cancelled'
  endedAt: number
  scan: Scan | null
  cancelledBy: CancelledBy
}

/** Derived from time by `attemptAt`, never written. */
interface Expired extends Base {
  status: 'expired'
  endedAt: number
  scan: Scan | null
}

/** One try to sign one computer in. */
export type Attempt = Pending | Scanned | Confirmed | Redeemed | Cancelled | Expired

export type Status = Attempt['status']

/** How long things live, in ms. Defaults and meanings: section 2 of PROTOCOL.md. */
export interface Lifetimes {
  attemptMs: number
  codePeriodMs: number
  confirmMs: number
  ticketMs: number
  /**
   * A person needs this long to read the question: a confirm that comes sooner after the scan is
   * refused.
   */
  confirmMinMs: number
}

/** How long an ended attempt is kept, so that it differs from an unknown one. */
export const TOMBSTONE_MS = 10 * 60_000

/** Within this time a repeated redeem (its answer was lost) gives the same session. */
export const REDEEM_REPEAT_MS = 10_000

/** Within this time after the redeem the phone's "Wasn't you?" signs that computer out. */
export const REVOKE_MS = 10 * 60_000

export const MATCH_TRIES = 2

/**
 * How often the browser of an attempt may try to redeem it, repeats included, where limits are not
 * scaled.
 */
export const REDEEM_TRIES = 5

export interface NewAttempt {
  /** From `toAttemptId`: made by the server, never chosen by a client. */
  id: string
  keyId: string
  computer: Computer
}

/** A fresh attempt. Pure: id and time are given. */
export function createAttempt({ id, keyId, computer }: NewAttempt, now: number, lifetimes: Lifetimes): Pending {
  const expiresAt = now + lifetimes.attemptMs
  return { id, version: 1, status: 'pending', createdAt: now, keyId, expiresAt, computer }
}

/**
 * How far ahead a record may be: the clocks of two processes differ a little. What lies further
 * ahead was written before the clock was set back, and its age is unknown.
 */
export const CLOCK_SLACK_MS = 5_000

/**
 * The attempt as it is at `now`: a running one whose time is over, or whose age is unknown, is
 * `expired`, with the stored version plus one, so that clients that wait for a higher version see
 * it as a change.
 */
export function attemptAt(attempt: Attempt, now: number): Attempt {
  const isAhead = now < attempt.createdAt - CLOCK_SLACK_MS
  if (!isRunning(attempt) || (now < attempt.expiresAt && !isAhead)) return attempt
  const scan = attempt.status === 'pending' ? null : attempt.scan
  return { ...nextBase(attempt), status: 'expired', endedAt: Math.min(attempt.expiresAt, now), scan }
}

/** What an attempt keeps through every transition, with the next version. */
export function nextBase({ id, version, createdAt, keyId, computer }: Attempt): Base {
  const base = { id, version: version + 1, createdAt, computer }
  return keyId === undefined ? base : { ...base, keyId }
}

/**
 * True while something can still happen to it. Says nothing about time: pass it through `attemptAt`
 * first.
 */
export function isRunning(attempt: Attempt): attempt is Pending | Scanned | Confirmed {
  return attempt.status === 'pending' || attempt.status === 'scanned' || attempt.status === 'confirmed'
}

/** When the store may forget it (epoch ms). */
export function forgetAt(attempt: Attempt): number {
  return (isRunning(attempt) ? attempt.expiresAt : attempt.endedAt) + TOMBSTONE_MS
}

/** The phone that scanned it, or null. */
export function scannerOf(attempt: Attempt): Phone | null {
  return attempt.status === 'pending' ? null : (attempt.scan?.phone ?? null)
}

export function isSamePhone(a: Phone, b: Phone): boolean {
  return a.sessionId === b.sessionId && a.person.id === b.person.id
}
