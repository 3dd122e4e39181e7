import type { Passkey } from '../account/passkey'
import type { Person } from '../account/person'
import { amrOf } from '../attempt/amr'
import type { Phone, Redeemed } from '../attempt/attempt'
import type { RedeemResult, SessionToRevoke } from '../attempt/redeem'
import { nameOf } from '../attempt/steps'
import type { Audit } from '../audit'
import { ProtocolError } from '../errors'
import type { Change, EndedSession, SessionStart, Store } from '../store'
import {
  type AnySession,
  type ComputerSession,
  createComputerSession,
  createPhoneSession,
  type EndedBy,
  idleMsOf,
  isSessionAlive,
  isTouchDue,
  KNOWN_BROWSER_MS,
  MAX_PHONES,
  type PhoneSession,
  type PhoneView,
  type SessionLifetimes,
  type SessionView,
  toPhoneView,
  toSessionView,
} from './session'

export interface SessionsOptions {
  store: Store
  audit: Audit
  lifetimes: SessionLifetimes
  singleComputer: boolean
  /** The maximum number of signed-in computers per person. */
  maxComputers: number
  now: () => number
  randomBytes: (size: number) => Buffer
}

/** How long a `RevocationMark` is kept: longer than an attempt can live after its scan. */
const REVOCATION_MS = 24 * 3_600_000

/** The entry of a sign-out everywhere, in place of a phone session. */
const EVERYWHERE = 'everywhere'

function revocationScopeOf(personId: string): string {
  return `barred ${personId}`
}

/** A device that signs in. */
export interface NewPhone {
  person: Person
  device: { browser: string | null; os: string | null; place: string | null }
  /** The older session of the same browser; null: none. */
  olderId: string | null
  /** The passkey that was used; null: another way to sign in. */
  passkeyId: string | null
}

/** Signed-in computers and phones. The session record in the store decides who a client is. */
export class Sessions {
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The live session with this id and kind, or null. Records its use, at most once a minute. */
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

  /**
   * What the redeem writes in its own step: the new session, and until when its browser is known to
   * the person. The older session of the browser ends, and so do the person's oldest sessions
   * beyond the maximum.
   */
  begin({ sessionId, scan, computer, app }: Redeemed, olderId: string | null): NonNullable<Change['begins']> {
    const { lifetimes, now, singleComputer, maxComputers } = this.#options
    const { person } = scan.phone
    const begun = { id: sessionId, person, computer, app, amr: amrOf(scan) }
    const session = createComputerSession(begun, now(), lifetimes)
    const end = { keeps: singleComputer ? 1 : maxComputers, by: singleComputer ? 'single' : 'limit' } as const
    const revocation = {
      scope: revocationScopeOf(person.id),
      entries: [EVERYWHERE, scan.phone.sessionId],
      since: (scan.scannedAt ?? 0) + REVOCATION_MS,
      refuse: () => new ProtocolError('attempt_ended'),
    }
    return { ...this.#beginning(session, olderId), ...end, session, isKnownUntil: now() + KNOWN_BROWSER_MS, revocation }
  }

  /**
   * Returns the session of a redeem, when it is durable.
   * @throws ProtocolError `wrong_state` if a redeem is repeated after its session was signed out: a
   * repeat does not restore it.
   */
  async onRedeemed({ sessionId, begun, ended }: RedeemResult): Promise<ComputerSession> {
    if (begun === null) {
      await this.#options.store.confirmDurable('sign-in')
      const earlier = await this.findLive('computer', sessionId)
      if (earlier === null) throw new ProtocolError('wrong_state')
      return earlier
    }
    const { person, app } = begun
    const named = { session: sessionId, person: person.id, ...nameOf(app) }
    this.#options.audit({ event: 'session.created', kind: 'computer', ...named })
    auditEnded(this.#options.audit, ended)
    await this.#options.store.confirmDurable('sign-in')
    return begun
  }

  /** @throws ProtocolError `passkey_wrong` if the passkey was removed meanwhile. */
  async signInPhone({ person, device, olderId, passkeyId }: NewPhone): Promise<PhoneSession> {
    const { store, now, randomBytes, audit } = this.#options
    const session = createPhoneSession(randomBytes(24).toString('base64url'), person, device, now(), passkeyId)
    const end = { keeps: MAX_PHONES, by: 'limit' } as const
    const ended = await store.insertSession({ ...this.#beginning(session, olderId), ...end })
    audit({ event: 'session.created', kind: 'phone', session: session.id, person: person.id })
    auditEnded(audit, ended ?? [])
    if (passkeyId !== null && (await store.findPasskey(passkeyId)) === null) {
      await this.signOut(session.id, 'phone')
      throw new ProtocolError('passkey_wrong')
    }
    await store.confirmDurable('sign-in')
    return session
  }

  /**
   * Signs a session out. May be repeated, and called with an unknown id.
   * @throws a failure of the store also if the session has ended but that is not confirmed as
   * durable: a repeat confirms it. This applies to every sign-out in this class.
   */
  async signOut(id: string, by: EndedBy): Promise<void> {
    const { store, now, audit } = this.#options
    const session = await store.revokeSession(id, now(), by)
    if (session !== null) auditEnded(audit, [{ session, by }])
    await store.confirmDurable('ending')
  }

  /** The sign-out of the device itself, whose session may have ended before. */
  async signOutHere(kind: AnySession['kind'], id: string): Promise<void> {
    const live = await (kind === 'computer' ? this.findLive(kind, id) : this.findLive(kind, id))
    if (live !== null) return await this.signOut(id, 'here')
    await this.#options.store.confirmDurable('ending')
  }

  /**
   * "Wasn't you?": signs that computer out, and forgets its browser even if its session has ended
   * before. May be repeated.
   */
  async revoke({ person }: Phone, { sessionId, browserHash }: SessionToRevoke): Promise<void> {
    await this.#options.store.forget(person.id, browserHash)
    await this.signOut(sessionId, 'phone')
  }

  /** The person's signed-in computers, newest first. `currentId`: the requesting computer. */
  async list(personId: string, currentId: string | null): Promise<SessionView[]> {
    const sessions = await this.#options.store.listSessions(personId, 'computer')
    return sessions.filter((each) => this.#isAlive(each)).map((session) => toSessionView(session, currentId))
  }

  /** The person's signed-in phones, newest first. `currentId`: the requesting phone. */
  async listPhones(personId: string, currentId: string | null): Promise<PhoneView[]> {
    const sessions = await this.#options.store.listSessions(personId, 'phone')
    return sessions.filter((each) => this.#isAlive(each)).map((session) => toPhoneView(session, currentId))
  }

  /** @throws ProtocolError `not_found` for an unknown, an ended, and another person's session. */
  async signOutOne(personId: string, kind: AnySession['kind'], id: string, by: EndedBy): Promise<void> {
    const { store } = this.#options
    const session = await store.findSession(id)
    const isRepeat = session !== null && isOf(personId, kind, session) && session.revokedAt !== null
    const isOtherPhone = kind === 'phone' && by !== 'here'
    if (isRepeat) {
      if (isOtherPhone) await this.#removeStrayPasskeys(personId)
      await store.confirmDurable('ending')
    }
    this.#checkOwn(personId, kind, session)
    if (isOtherPhone) await this.#markRevoked(personId, [id])
    await this.signOut(id, by)
    // After it: a passkey that is being added finds its session signed out.
    if (isOtherPhone) {
      await this.#removeStrayPasskeys(personId)
      await store.confirmDurable('ending')
    }
  }

  /**
   * Records that a phone has acknowledged the notice of this computer.
   * @throws ProtocolError `not_found`, as `signOutOne`.
   */
  async acknowledge(personId: string, id: string): Promise<void> {
    this.#checkOwn(personId, 'computer', await this.#options.store.findSession(id))
    await this.#options.store.acknowledgeSession(id)
  }

  /**
   * Signs out all of the person's computers except the requesting one, and forgets all other known
   * browsers.
   */
  async signOutAll(personId: string, exceptId: string | null, by: EndedBy): Promise<void> {
    const { store, now, audit } = this.#options
    const current = exceptId === null ? null : await store.findSession(exceptId)
    const kept = current?.kind === 'computer' ? (current.browserHash ?? null) : null
    await store.forgetOthers(personId, kept)
    await this.#markRevoked(personId, [EVERYWHERE])
    auditEnded(audit, await store.revokeSessions(personId, { kind: 'computer', exceptId, now: now(), by }))
    await store.confirmDurable('ending')
  }

  /** Signs out all of the person's phones except the requesting one. */
  async signOutPhones(personId: string, exceptId: string | null): Promise<void> {
    const { store, now } = this.#options
    // The mark comes first: if it failed after the sign-out, a repeat would find no phones to mark.
    const phones = await store.listSessions(personId, 'phone')
    const others = phones.filter(({ id }) => id !== exceptId)
    await this.#markRevoked(
      personId,
      others.map(({ id }) => id),
    )
    const ended = await store.revokeSessions(personId, { kind: 'phone', exceptId, now: now(), by: 'phone' })
    auditEnded(this.#options.audit, ended)
    await this.#removeStrayPasskeys(personId)
    await store.confirmDurable('ending')
  }

  /** Attempts that these phones have scanned, and that are not redeemed yet, get no session. */
  async #markRevoked(personId: string, entries: readonly string[]): Promise<void> {
    const { store, now } = this.#options
    await Promise.all(
      entries.map((entry) => store.remember(revocationScopeOf(personId), entry, now() + REVOCATION_MS, now())),
    )
  }

  /**
   * After phones were signed out from elsewhere: removes every passkey that no phone which is still
   * signed in has added, or signed in with. A phone must not sign itself in again, with whatever
   * session it has added the passkey. May be repeated.
   */
  async #removeStrayPasskeys(personId: string): Promise<void> {
    const { store, audit } = this.#options
    const phones = (await store.listSessions(personId, 'phone')).filter((phone) => this.#isAlive(phone))
    const isKept = ({ id, addedBy }: Passkey) => phones.some((phone) => phone.id === addedBy || phone.passkeyId === id)
    for (const passkey of await store.listPasskeys(personId)) {
      if (isKept(passkey) || !(await store.removePasskey(personId, passkey.id))) continue
      audit({ event: 'passkey.removed', passkey: passkey.id, person: personId })
    }
  }

  #checkOwn(personId: string, kind: AnySession['kind'], session: AnySession | null): void {
    const isOwn = session !== null && isOf(personId, kind, session)
    if (!isOwn || !this.#isAlive(session)) throw new ProtocolError('not_found')
  }

  #beginning<S extends AnySession>(session: S, replaces: string | null): Omit<SessionStart<S>, 'keeps' | 'by'> {
    const { lifetimes, now } = this.#options
    return { session, now: now(), replaces, idleMs: idleMsOf(session.kind, lifetimes) }
  }

  #isAlive(session: AnySession): boolean {
    return isSessionAlive(session, this.#options.now(), this.#options.lifetimes)
  }
}

/** Writes one audit line for each session that has ended. */
export function auditEnded(audit: Audit, ended: readonly EndedSession[]): void {
  for (const { session, by } of ended) {
    const { kind, id, person } = session
    audit({ event: 'session.revoked', kind, session: id, person: person.id, by })
  }
}

function isOf(personId: string, kind: AnySession['kind'], session: AnySession): boolean {
  return session.kind === kind && session.person.id === personId
}
