import type { AdapterPayload } from 'oidc-provider'
import type { RequestingApp } from '../../core/attempt/app'
import type { Attempt, Computer, Lifetimes } from '../../core/attempt/attempt'
import type { Attempts } from '../../core/attempt/attempts'
import { toShortCodeRecord } from '../../core/attempt/short-codes'
import { hashBrowserSecret } from '../../core/attempt/tokens'
import type { Audit } from '../../core/audit'
import { isProtocolError } from '../../core/errors'
import type { RecordStore } from '../../core/record-store'
import type { ComputerSession } from '../../core/session/session'
import type { Sessions } from '../../core/session/sessions'
import { toAuthTime } from './auth-time'
import { type Authorizations, grantGroupOf } from './authorizations'
import type { Consents } from './consents'
import { recordKeyOf } from './record-key'

/** What a device is told when it asks for a sign-in (RFC 8628, section 3.2). */
export interface DeviceAuthorization {
  deviceCode: string
  /** Eight letters. */
  userCode: string
}

export interface DeviceCodesOptions {
  attempts: Attempts
  sessions: Sessions
  records: RecordStore
  authorizations: Authorizations
  consents: Consents
  audit: Audit
  lifetimes: Lifetimes
  now: () => number
}

/** What was agreed to on the phone, as oidc-provider stores it. */
type Decision =
  | { error: string; errorDescription: string }
  | {
      accountId: string
      grantId: string
      sessionUid: string
      expiresWithSession: true
      sid: string
      scope: string
      authTime: number
      amr: string[]
    }

/**
 * Sign-ins of devices without a browser. Each is an attempt: the device takes the place of the
 * computer's browser, its device code that of the browser's secret, and its user code that of the
 * code in the QR. The phone is asked as it always is.
 */
export class DeviceCodes {
  readonly #options: DeviceCodesOptions

  constructor(options: DeviceCodesOptions) {
    this.#options = options
  }

  /**
   * Starts the attempt of a device. False if another one has the same user code: nothing is kept.
   */
  async begin(
    { deviceCode, userCode }: DeviceAuthorization,
    computer: Omit<Computer, 'browserHash'>,
    app: RequestingApp,
  ): Promise<boolean> {
    const { attempts, records, lifetimes, now } = this.#options
    const browserHash = hashBrowserSecret(deviceCode)
    const { attemptMs, confirmMs, ticketMs } = lifetimes
    const codeEndsAt = now() + attemptMs + confirmMs + ticketMs
    // Reserved before the attempt starts, so that what is refused leaves nothing.
    const reserved = toShortCodeRecord(userCode, null, codeEndsAt)
    if (!(await records.insertRecord(reserved, now(), 'unauthenticated'))) return false
    try {
      const { id } = await attempts.start({ ...computer, browserHash }, null, app)
      await records.putRecord(toShortCodeRecord(userCode, id, codeEndsAt), now())
      const data = JSON.stringify(id)
      const expiresAt = codeEndsAt + KEPT_MS
      await records.putRecord({ key: attemptKey(browserHash), data, expiresAt, group: null }, now())
      return true
    } catch (error) {
      await records.removeRecord(reserved.key)
      throw error
    }
  }

  /**
   * The stored device code with what was decided on the phone. The first request after the yes
   * begins the session.
   */
  async resolve(deviceCode: string, payload: AdapterPayload): Promise<AdapterPayload> {
    if (payload.accountId !== undefined || payload.error !== undefined) return payload
    const { records, now } = this.#options
    const found = await records.findRecord(attemptKey(hashBrowserSecret(deviceCode)), now())
    const decision =
      found === null ? EXPIRED : await this.#decide(JSON.parse(found.data) as string, deviceCode, payload)
    return decision === null ? payload : { ...payload, ...decision }
  }

  /** Null while the phone has not decided. */
  async #decide(attemptId: string, deviceCode: string, payload: AdapterPayload): Promise<Decision | null> {
    const { attempts } = this.#options
    const browserHash = hashBrowserSecret(deviceCode)
    const attempt = await attempts.requireOwn(attemptId, browserHash)
    const { status, ticket } = attempts.view(attempt)
    if (status === 'cancelled') return DECLINED
    if (status === 'expired') return EXPIRED
    if (status !== 'confirmed' && status !== 'redeemed') return null
    const session = await this.#beginSession(attempt, browserHash, ticket)
    return session === null ? EXPIRED : await this.#grant(session, attempt, payload)
  }

  /** Null if the session has ended since. */
  async #beginSession(
    attempt: Attempt,
    browserHash: string,
    ticket: string | undefined,
  ): Promise<ComputerSession | null> {
    const { attempts, sessions } = this.#options
    if (attempt.status === 'redeemed') return await sessions.findLive('computer', attempt.sessionId)
    try {
      const { id } = attempt
      const begin = (redeemed: Parameters<Sessions['begin']>[0]) => sessions.begin(redeemed, null)
      return await sessions.onRedeemed(await attempts.redeem({ id, browserHash, ticket: ticket ?? '', begin }))
    } catch (error) {
      if (isProtocolError(error)) return null
      throw error
    }
  }

  async #grant(session: ComputerSession, { app }: Attempt, payload: AdapterPayload): Promise<Decision | null> {
    const { authorizations, consents, records, audit, now } = this.#options
    if (app === undefined || app.clientId === null) return EXPIRED
    const { person, expiresAt, id, signedInAt, amr = [] } = session
    const scope = String(payload.params?.scope ?? '')
    const scopes = scope.split(' ').filter((each) => each !== '')
    await consents.agree(person.id, app.clientId, scopes)
    audit({ event: 'app.agreed', app: app.clientId, person: person.id })
    const { grantId, sid } = await authorizations.ensure(id, app.clientId, expiresAt)
    // By the machine's clock, as everything that oidc-provider compares.
    const seconds = { iat: Math.floor(Date.now() / 1000), exp: Math.ceil((Date.now() + expiresAt - now()) / 1000) }
    const grant = { ...seconds, kind: 'Grant', accountId: person.id, clientId: app.clientId, openid: { scope } }
    const key = recordKeyOf('Grant', grantId)
    await records.putRecord({ key, data: JSON.stringify(grant), expiresAt, group: grantGroupOf(grantId) }, now())
    const authTime = toAuthTime(signedInAt, now())
    const bound = { sessionUid: id, expiresWithSession: true, sid, grantId } as const
    return { ...bound, accountId: person.id, scope, authTime, amr: [...amr] }
  }
}

const DECLINED = { error: 'access_denied', errorDescription: 'the person declined' }
const EXPIRED = { error: 'expired_token', errorDescription: 'the device code is expired' }

/** How long after the attempt a device may learn how it has ended, in ms. */
const KEPT_MS = 10 * 60_000

function attemptKey(browserHash: string): string {
  return `device-attempt ${browserHash}`
}
