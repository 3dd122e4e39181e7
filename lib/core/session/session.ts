import type { Person, PersonRecord } from '../account/person'

/**
 * A signed-in computer or phone. The cookie holds a sealed id only; this record decides, on every
 * request.
 */
interface Base {
  id: string
  person: PersonRecord
  /** Epoch ms, as all times in here. */
  signedInAt: number
  lastSeenAt: number
  expiresAt: number
  /**
   * Null while it has not been signed out. Kept until it would have expired, so that a repeat
   * cannot bring it back.
   */
  revokedAt: number | null
  /** Null while it has not been signed out, and in records of older versions. */
  revokedBy: EndedBy | null
}

/**
 * Why a session ended: signed out `here`, on the device itself; by a `phone` or another `computer`
 * of the person; by the `limit` of computers; because one computer is all (`single`); because its
 * `time` was over.
 */
export type EndedBy = 'here' | 'phone' | 'computer' | 'limit' | 'single' | 'time'

/**
 * Whether the browser of a session that ended so is no longer known to the person: it was ended
 * from elsewhere.
 */
export function endsTrust(by: EndedBy): boolean {
  return by === 'phone' || by === 'computer' || by === 'single'
}

/** Families only, never versions; null for what is not known. */
interface Device {
  browser: string | null
  os: string | null
  place: string | null
}

export interface ComputerSession extends Base, Device {
  kind: 'computer'
  /** See `Computer`. Undefined in records of older versions. */
  browserHash?: string
  /** Whether its notice was answered on a phone: the person knows of it. */
  acknowledged: boolean
}

export interface PhoneSession extends Base, Partial<Device> {
  kind: 'phone'
}

export type AnySession = ComputerSession | PhoneSession

/**
 * A phone identified by a bearer token. It has no record here: the issuer signs it out by not
 * issuing the next token. The id is the same for every token of one `sub` and `sid`.
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
  phoneIdleMs: number
}

/** A person's signed-in phones. A further one ends the oldest. */
export const MAX_PHONES = 100

/** How long a notice of a new computer is shown that no phone answers. */
export const NOTICE_MS = 7 * 24 * 3_600_000

const PHONE_SESSION_MS = 90 * 24 * 3_600_000

/** How long a browser that a person has signed in from counts as known. */
export const KNOWN_BROWSER_MS = 90 * 24 * 3_600_000

/** Use is recorded at most this often, so that reading stays cheap. */
const TOUCH_EVERY_MS = 60_000

export interface NewComputerSession {
  id: string
  person: PersonRecord
  computer: Device & { browserHash: string }
}

export function createComputerSession(
  { id, person, computer }: NewComputerSession,
  now: number,
  lifetimes: SessionLifetimes,
): ComputerSession {
  const { browser, os, place, browserHash } = computer
  const expiresAt = now + lifetimes.computerMs
  return {
    kind: 'computer',
    id,
    person,
    browser,
    os,
    place,
    browserHash,
    acknowledged: false,
    ...begun(now, expiresAt),
  }
}

export function createPhoneSession(id: string, person: PersonRecord, device: Device, now: number): PhoneSession {
  const { browser, os, place } = device
  return { kind: 'phone', id, person, browser, os, place, ...begun(now, now + PHONE_SESSION_MS) }
}

function begun(now: number, expiresAt: number) {
  return { signedInAt: now, lastSeenAt: now, expiresAt, revokedAt: null, revokedBy: null }
}

/** Whether the session is live. */
export function isSessionAlive(session: AnySession, now: number, lifetimes: SessionLifetimes): boolean {
  return session.revokedAt === null && now < sessionEndsAt(session, lifetimes)
}

/** When it ends by itself if it is not used any more (epoch ms). */
export function sessionEndsAt(session: AnySession, lifetimes: SessionLifetimes): number {
  return Math.min(session.expiresAt, session.lastSeenAt + idleMsOf(session.kind, lifetimes))
}

/** How long a session of this kind lives without use. */
export function idleMsOf(kind: AnySession['kind'], lifetimes: SessionLifetimes): number {
  return kind === 'phone' ? lifetimes.phoneIdleMs : lifetimes.computerIdleMs
}

/** True when its use should be recorded again. */
export function isTouchDue(session: AnySession, now: number, lifetimes: SessionLifetimes): boolean {
  return now - session.lastSeenAt >= Math.min(TOUCH_EVERY_MS, idleMsOf(session.kind, lifetimes) / 4)
}

/** What a person sees of a signed-in phone. An allow-list. */
export interface PhoneView {
  id: string
  browser: string | null
  os: string | null
  place: string | null
  /** ISO 8601, for display. */
  signedInAt: string
  lastSeenAt: string
  /** Whether it is the requesting device. */
  current: boolean
}

/** What a person sees of a signed-in computer. An allow-list. */
export interface SessionView extends PhoneView {
  method: 'qr'
  /** Whether its notice was answered on a phone. */
  acknowledged: boolean
}

export function toSessionView(session: ComputerSession, currentId: string | null): SessionView {
  const { id, browser, os, place, acknowledged } = session
  return { id, browser, os, place, ...toTimes(session), current: id === currentId, method: 'qr', acknowledged }
}

export function toPhoneView(session: PhoneSession, currentId: string | null): PhoneView {
  const { id, browser = null, os = null, place = null } = session
  return { id, browser, os, place, ...toTimes(session), current: id === currentId }
}

function toTimes({ signedInAt, lastSeenAt }: AnySession): { signedInAt: string; lastSeenAt: string } {
  return { signedInAt: new Date(signedInAt).toISOString(), lastSeenAt: new Date(lastSeenAt).toISOString() }
}
