import type { Person, PersonRecord } from '../account/person'
import type { RequestingApp } from '../attempt/app'

/**
 * A signed-in computer or phone. The cookie contains only a sealed id; this record decides on every
 * request.
 */
interface Base {
  id: string
  person: PersonRecord
  /** Epoch ms, like all times in this file. */
  signedInAt: number
  lastSeenAt: number
  expiresAt: number
  /**
   * Null until it is signed out. The record is kept until the session would have expired, so that
   * a repeated request cannot restore it.
   */
  revokedAt: number | null
  /** Null until it is signed out, and in records of older versions. */
  revokedBy: EndedBy | null
}

/**
 * Why a session ended. `here`: signed out on the device itself, or replaced in the same browser.
 * `phone`, `computer`: signed out from a phone or another computer of the person. `limit`: the
 * person had too many. `single`: `SINGLE_COMPUTER` is set. `time`: it expired. `app`: an app has
 * asked for it, on the device itself (OpenID Connect RP-Initiated Logout).
 */
export type EndedBy = 'here' | 'phone' | 'computer' | 'limit' | 'single' | 'time' | 'app'

/**
 * Whether the browser of a session that ended for this reason is no longer known to the person:
 * true if the session was ended from another device.
 */
export function endsTrust(by: EndedBy): boolean {
  return by === 'phone' || by === 'computer' || by === 'single'
}

/** Families only, never versions. Null: unknown. */
interface Device {
  browser: string | null
  os: string | null
  place: string | null
}

export interface ComputerSession extends Base, Device {
  kind: 'computer'
  /** See `Computer`. Undefined in records of older versions. */
  browserHash?: string
  /** Whether its notice was acknowledged on a phone. */
  acknowledged: boolean
  /** What it was signed in to. Undefined: our own home page. */
  app?: SessionApp
  /**
   * How the person was authenticated, see `amrOf`. Undefined in records of older versions.
   */
  amr?: readonly string[]
}

/** What a session keeps of the app that it was signed in to. */
interface SessionApp {
  clientId: string | null
  name: string
  host: string | null
}

export interface PhoneSession extends Base, Partial<Device> {
  kind: 'phone'
  /** The passkey that it was signed in with. */
  passkeyId?: string
}

export type AnySession = ComputerSession | PhoneSession

/**
 * A phone identified by a bearer token. It has no record in the store: its issuer signs it out by
 * not issuing the next token. The id is the same for every token of one `sub` and `sid`.
 */
export interface TokenPhone {
  kind: 'token'
  id: string
  person: Person
  /** When this token expires (epoch ms). */
  expiresAt: number
}

/** A client that may read an account. */
export type Account = AnySession | TokenPhone

/** The lifetimes of sessions in ms: in all, and without use. */
export interface SessionLifetimes {
  computerMs: number
  computerIdleMs: number
  phoneIdleMs: number
}

/** The maximum number of signed-in phones per person. A further sign-in ends the oldest. */
export const MAX_PHONES = 100

/** How long the notice of a new computer is shown if no phone acknowledges it. */
export const NOTICE_MS = 7 * 24 * 3_600_000

const PHONE_SESSION_MS = 90 * 24 * 3_600_000

/** How long a browser stays known after a sign-in. */
export const KNOWN_BROWSER_MS = 90 * 24 * 3_600_000

/** Minimum time between two records of use: most requests write nothing. */
const TOUCH_INTERVAL_MS = 60_000

export interface NewComputerSession {
  id: string
  person: PersonRecord
  computer: Device & { browserHash: string }
  app?: RequestingApp | undefined
  amr: readonly string[]
}

export function createComputerSession(
  { id, person, computer, app, amr }: NewComputerSession,
  now: number,
  lifetimes: SessionLifetimes,
): ComputerSession {
  const { browser, os, place, browserHash } = computer
  const expiresAt = now + lifetimes.computerMs
  const session: ComputerSession = {
    kind: 'computer',
    id,
    person,
    browser,
    os,
    place,
    browserHash,
    acknowledged: false,
    amr,
    ...begun(now, expiresAt),
  }
  if (app !== undefined) session.app = { clientId: app.clientId, name: app.name, host: app.host }
  return session
}

export function createPhoneSession(
  id: string,
  person: PersonRecord,
  device: Device,
  now: number,
  passkeyId: string | null = null,
): PhoneSession {
  const { browser, os, place } = device
  const session = { kind: 'phone', id, person, browser, os, place, ...begun(now, now + PHONE_SESSION_MS) } as const
  return passkeyId === null ? session : { ...session, passkeyId }
}

function begun(now: number, expiresAt: number) {
  return { signedInAt: now, lastSeenAt: now, expiresAt, revokedAt: null, revokedBy: null }
}

export function isSessionAlive(session: AnySession, now: number, lifetimes: SessionLifetimes): boolean {
  return session.revokedAt === null && now < sessionEndsAt(session, lifetimes)
}

/** When the session expires if it is not used again (epoch ms). */
export function sessionEndsAt(session: AnySession, lifetimes: SessionLifetimes): number {
  return Math.min(session.expiresAt, session.lastSeenAt + idleMsOf(session.kind, lifetimes))
}

/** How long a session of this kind stays live without use, in ms. */
export function idleMsOf(kind: AnySession['kind'], lifetimes: SessionLifetimes): number {
  return kind === 'phone' ? lifetimes.phoneIdleMs : lifetimes.computerIdleMs
}

/** Whether the use of the session has to be recorded again. */
export function isTouchDue(session: AnySession, now: number, lifetimes: SessionLifetimes): boolean {
  return now - session.lastSeenAt >= Math.min(TOUCH_INTERVAL_MS, idleMsOf(session.kind, lifetimes) / 4)
}

/** What a person may see of a signed-in phone: an allow-list. */
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

/** What a person may see of a signed-in computer: an allow-list. */
export interface SessionView extends PhoneView {
  method: 'qr'
  /** Whether its notice was acknowledged on a phone. */
  acknowledged: boolean
  /** What it was signed in to. Null: our own home page. */
  app: { name: string; host: string | null } | null
}

export function toSessionView(session: ComputerSession, currentId: string | null): SessionView {
  const { id, browser, os, place, acknowledged, app } = session
  const shown = app === undefined ? null : { name: app.name, host: app.host }
  return {
    id,
    browser,
    os,
    place,
    ...toTimes(session),
    current: id === currentId,
    method: 'qr',
    acknowledged,
    app: shown,
  }
}

export function toPhoneView(session: PhoneSession, currentId: string | null): PhoneView {
  const { id, browser = null, os = null, place = null } = session
  return { id, browser, os, place, ...toTimes(session), current: id === currentId }
}

function toTimes({ signedInAt, lastSeenAt }: AnySession): { signedInAt: string; lastSeenAt: string } {
  return { signedInAt: new Date(signedInAt).toISOString(), lastSeenAt: new Date(lastSeenAt).toISOString() }
}
