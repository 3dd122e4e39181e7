import type { Person } from '../attempt/attempt'

/** A signed-in computer or phone. The cookie holds a sealed id only; this record decides, on every request. */
interface Base {
  id: string
  person: Person
  /** Epoch ms, as all times in here. */
  signedInAt: number
  lastSeenAt: number
  expiresAt: number
  /** Null while it has not been signed out. Kept until it would have expired, so that a repeat cannot bring it back. */
  revokedAt: number | null
}

export interface ComputerSession extends Base {
  kind: 'computer'
  browser: string | null
  os: string | null
  place: string | null
}

export interface PhoneSession extends Base {
  kind: 'phone'
}

export type AnySession = ComputerSession | PhoneSession

/**
 * A phone that a bearer token speaks for. It has no record here: whoever issued the token signs it out, by not issuing the next one. The
 * id is the same for every token of one `sub` and `sid`.
 */
export interface TokenPhone {
  kind: 'token'
  id: string
  person: Person
  /** When this token ends (epoch ms). */
  expiresAt: number
}

/** Whoever may look at an account. */
export type Account = AnySession | TokenPhone

/** How long a session lives, in ms: in all, and without being used. */
export interface SessionLifetimes {
  computerMs: number
  computerIdleMs: number
}

const PHONE_SESSION_MS = 90 * 24 * 3_600_000

/** How long a browser that a person has signed in from counts as known. */
export const KNOWN_BROWSER_MS = 90 * 24 * 3_600_000

/** Use is recorded at most this often, so that reading stays cheap. */
const TOUCH_EVERY_MS = 60_000

export interface NewComputerSession {
  id: string
  person: Person
  computer: { browser: string | null; os: string | null; place: string | null }
}

export function createComputerSession(
  { id, person, computer }: NewComputerSession,
  now: number,
  lifetimes: SessionLifetimes,
): ComputerSession {
  const { browser, os, place } = computer
  const expiresAt = now + lifetimes.computerMs
  return {
    kind: 'computer',
    id,
    person,
    browser,
    os,
    place,
    signedInAt: now,
    lastSeenAt: now,
    expiresAt,
    revokedAt: null,
  }
}

export function createPhoneSession(id: string, person: Person, now: number): PhoneSession {
  const expiresAt = now + PHONE_SESSION_MS
  return { kind: 'phone', id, person, signedInAt: now, lastSeenAt: now, expiresAt, revokedAt: null }
}

/** Whether it still signs anybody in. */
export function isSessionAlive(session: AnySession, now: number, lifetimes: SessionLifetimes): boolean {
  return session.revokedAt === null && now < sessionEndsAt(session, lifetimes)
}

/** When it ends by itself if it is not used any more (epoch ms). */
export function sessionEndsAt(session: AnySession, lifetimes: SessionLifetimes): number {
  if (session.kind === 'phone') return session.expiresAt
  return Math.min(session.expiresAt, session.lastSeenAt + lifetimes.computerIdleMs)
}

/** True when its use should be recorded again. */
export function isTouchDue(session: AnySession, now: number, lifetimes: SessionLifetimes): boolean {
  return now - session.lastSeenAt >= Math.min(TOUCH_EVERY_MS, lifetimes.computerIdleMs / 4)
}

/** What a person sees of a signed-in computer. An allow-list. */
export interface SessionView {
  id: string
  browser: string | null
  os: string | null
  place: string | null
  /** ISO 8601, for display. */
  signedInAt: string
  lastSeenAt: string
  /** The computer that asks. */
  current: boolean
  method: 'qr'
}

export function toSessionView(session: ComputerSession, currentId: string | null): SessionView {
  const { id, browser, os, place } = session
  const signedInAt = new Date(session.signedInAt).toISOString()
  const lastSeenAt = new Date(session.lastSeenAt).toISOString()
  return { id, browser, os, place, signedInAt, lastSeenAt, current: id === currentId, method: 'qr' }
}
