import type { Person, Redeemed } from '../attempt/attempt'
import { ProtocolError } from '../attempt/errors'
import type { Audit } from '../audit'
import {
  type AnySession,
  type ComputerSession,
  createComputerSession,
  createPhoneSession,
  isSessionAlive,
  isTouchDue,
  KNOWN_BROWSER_MS,
  type PhoneSession,
  type SessionLifetimes,
  type SessionView,
  toSessionView,
} from '../session/session'
import type { Store } from '../store/store'
import type { Begun } from './attempts'

export interface SessionsOptions {
  store: Store
  audit: Audit
  lifetimes: SessionLifetimes
  singleComputer: boolean
  now: () => number
  randomBytes: (size: number) => Buffer
}

/** Signed-in computers and phones: every question about who somebody is ends at the record in here. */
export class Sessions {
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The live session of this id and kind, or null. Records the use, at most once a minute. */
  async findLive(kind: 'computer', id: string): Promise<ComputerSession | null>
  async findLive(kind: 'phone', id: string): Promise<PhoneSession | null>
  async findLive(kind: AnySession['kind'], id: string): Promise<AnySession | null> {
    const { store, lifetimes, now } = this.#options
    const session = await store.findSession(id)
    if (session === null || session.kind !== kind || !isSessionAlive(session, now(), lifetimes)) return null
    if (!isTouchDue(session, now(), lifetimes)) return session
    await store.touchSession(id, now())
    return { ...session, lastSeenAt: now() }
  }

  /** The session that a redeemed attempt begins, and how long its browser is known to the person then. */
  begin({ sessionId, scan, computer }: Redeemed): { session: ComputerSession; isKnownUntil: number } {
    const { lifetimes, now } = this.#options
    const session = createComputerSession({ id: sessionId, person: scan.phone.person, computer }, now(), lifetimes)
    return { session, isKnownUntil: now() + KNOWN_BROWSER_MS }
  }

  /**
   * What follows a redeem: the browser's older session ends, and where one computer is all, the others do. A repeat (whose answer was
   * lost) changes nothing.
   * @throws ProtocolError `wrong_state` when that session was signed out meanwhile: a repeat does not bring it back.
   */
  async signInComputer({ sessionId, begun }: Begun, olderId: string | null): Promise<ComputerSession> {
    const { singleComputer, audit } = this.#options
    if (begun === null) {
      const earlier = await this.findLive('computer', sessionId)
      if (earlier === null) throw new ProtocolError('wrong_state')
      return earlier
    }
    const { person } = begun
    audit({ event: 'session.created', kind: 'computer', session: sessionId, person: person.id })
    if (olderId !== null) await this.signOut(olderId)
    if (singleComputer) await this.signOutAll(person.id, sessionId)
    return begun
  }

  async signInPhone(person: Person, olderId: string | null): Promise<PhoneSession> {
    const { store, now, randomBytes } = this.#options
    const session = createPhoneSession(randomBytes(24).toString('base64url'), person, now())
    await store.insertSession(session)
    this.#options.audit({ event: 'session.created', kind: 'phone', session: session.id, person: person.id })
    if (olderId !== null) await this.signOut(olderId)
    return session
  }

  /** Safe to repeat, and for an id that never was. */
  async signOut(id: string): Promise<void> {
    const { store, now, audit } = this.#options
    const revoked = await store.revokeSession(id, now())
    if (revoked === null) return
    audit({ event: 'session.revoked', kind: revoked.kind, session: id, person: revoked.person.id })
  }

  /** The person's signed-in computers, newest first. `currentId`: the computer that asks. */
  async list(personId: string, currentId: string | null): Promise<SessionView[]> {
    const { store, lifetimes, now } = this.#options
    const sessions = await store.listSessions(personId)
    return sessions
      .filter((session) => isSessionAlive(session, now(), lifetimes))
      .map((session) => toSessionView(session, currentId))
  }

  /** @throws ProtocolError `not_found` for an unknown, ended, or another person's session alike. */
  async signOutOne(personId: string, id: string): Promise<void> {
    const session = await this.findLive('computer', id)
    if (session === null || session.person.id !== personId) throw new ProtocolError('not_found')
    await this.signOut(id)
  }

  /** Signs all the person's computers out, but for the one that asks. */
  async signOutAll(personId: string, exceptId: string | null): Promise<void> {
    for (const { id } of await this.#options.store.listSessions(personId)) {
      if (id !== exceptId) await this.signOut(id)
    }
  }
}
