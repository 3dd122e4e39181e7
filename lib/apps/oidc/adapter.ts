import type { Adapter, AdapterPayload } from 'oidc-provider'
import { SIGNED_BY_PHONE } from '../../core/attempt/amr'
import type { RecordStore } from '../../core/record-store'
import { toAuthTime } from './auth-time'
import { grantGroupOf } from './authorizations'
import type { DeviceCodes } from './device-codes'
import { recordKeyOf } from './record-key'
import { type AppSession, currentScope } from './request-scope'

/**
 * How long a code that was exchanged refuses a second exchange without ending the first one's
 * tokens.
 */
const PARALLEL_EXCHANGE_MS = 10_000

/**
 * How long a code is kept, so that its reuse is noticed. oidc-provider refuses it after its own
 * time.
 */
const USED_CODE_MS = 3_600_000

/** What unauthenticated clients may cause: counted against the room of the store. */
const STRANGERS_KINDS = new Set(['Interaction', 'DeviceCode'])

export interface AdapterOptions {
  records: RecordStore
  now: () => number
  /** Creates the error of an exchange that comes second (RFC 6749, section 5.2). */
  invalidGrant: (description: string) => Error
  deviceCodes: DeviceCodes
  /** @throws the refusal of a grant that is refreshed too often: each refresh leaves a record. */
  countRefresh: (grantId: string) => Promise<void>
}

/**
 * What oidc-provider stores, as records. Its sessions are ours: they are read from the session
 * records, and nothing that it writes to them is kept, so that a session of ours and the one of the
 * provider cannot differ.
 */
export function createAdapter(kind: string, options: AdapterOptions): Adapter {
  return kind === 'Session' ? SESSIONS : new RecordAdapter(kind, options)
}

class RecordAdapter implements Adapter {
  readonly #kind: string
  readonly #options: AdapterOptions

  constructor(kind: string, options: AdapterOptions) {
    this.#kind = kind
    this.#options = options
  }

  async upsert(id: string, payload: AdapterPayload, ttlS: number): Promise<void> {
    const { records, now } = this.#options
    const { jti: _, ...data } = payload
    const { grantId } = payload
    const group = this.#kind === 'Grant' ? id : (grantId ?? null)
    const record = {
      key: recordKeyOf(this.#kind, id),
      data: JSON.stringify(data),
      expiresAt: now() + (this.#kind === 'AuthorizationCode' ? USED_CODE_MS : ttlS * 1000),
      group: group === null ? null : grantGroupOf(group),
    }
    if (!STRANGERS_KINDS.has(this.#kind)) return await records.putRecord(record, now())
    if (!(await records.insertRecord(record, now(), 'unauthenticated'))) await records.putRecord(record, now())
  }

  /**
   * @throws the error of an invalid grant for a code or a refresh token that another exchange has
   * used at the same time: it takes nothing from the other one. A later use is returned as
   * consumed: oidc-provider then ends all tokens of the grant.
   */
  async find(id: string): Promise<AdapterPayload | undefined> {
    const { records, now, invalidGrant, deviceCodes } = this.#options
    // Clients are in the file alone.
    if (this.#kind === 'Client') return undefined
    const found = await records.findRecord(recordKeyOf(this.#kind, id), now())
    if (found === null) return undefined
    const payload = { ...(JSON.parse(found.data) as AdapterPayload), jti: id }
    if (this.#kind === 'RefreshToken') currentScope().refreshedGrant = payload.grantId ?? null
    if (found.consumedAt === null) return this.#kind === 'DeviceCode' ? await deviceCodes.resolve(id, payload) : payload
    if (this.#isParallel(found.consumedAt)) throw invalidGrant('used at the same time by another request')
    const consumed = Math.floor(found.consumedAt / 1000)
    // A code that was used is found after its time too: its reuse ends the tokens.
    return this.#kind === 'AuthorizationCode'
      ? { ...payload, exp: Math.ceil(Date.now() / 1000) + 60, consumed }
      : { ...payload, consumed }
  }

  async consume(id: string): Promise<void> {
    const { records, now, invalidGrant, countRefresh } = this.#options
    const { refreshedGrant } = currentScope()
    if (this.#kind === 'RefreshToken' && refreshedGrant !== null) await countRefresh(refreshedGrant)
    const isFirst = await records.consumeRecord(recordKeyOf(this.#kind, id), now())
    if (!isFirst) throw invalidGrant('used at the same time by another request')
  }

  async destroy(id: string): Promise<void> {
    await this.#options.records.removeRecord(recordKeyOf(this.#kind, id))
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#options.records.removeRecords(grantGroupOf(grantId))
  }

  async findByUid(): Promise<undefined> {}

  async findByUserCode(): Promise<undefined> {}

  /**
   * A code: within 10 s. A refresh token: the request had arrived before it was used; one that
   * arrives later is a reuse, which ends its family (RFC 9700, section 4.14).
   */
  #isParallel(consumedAt: number): boolean {
    if (this.#kind === 'RefreshToken') return currentScope().startedAt <= consumedAt
    return this.#options.now() - consumedAt <= PARALLEL_EXCHANGE_MS
  }
}

/** Sessions of the provider. Their id and their uid are the id of our session. */
const SESSIONS: Adapter = {
  find: findSession,
  findByUid: findSession,
  upsert: async () => {},
  destroy: async () => {},
  consume: async () => {},
  findByUserCode: async () => undefined,
  revokeByGrantId: async () => {},
}

async function findSession(id: string): Promise<AdapterPayload | undefined> {
  const found = await currentScope().findSession(id)
  return found === null ? undefined : toPayload(found)
}

/** A year: the session record decides how long a session lives. */
const DECIDED_ELSEWHERE_S = 31_536_000

function toPayload({ session, authorizations }: AppSession): AdapterPayload {
  const { startedAt } = currentScope()
  const now = Math.floor(Date.now() / 1000)
  return {
    kind: 'Session',
    jti: session.id,
    uid: session.id,
    iat: now,
    exp: now + DECIDED_ELSEWHERE_S,
    accountId: session.person.id,
    loginTs: toAuthTime(session.signedInAt, startedAt),
    amr: [...(session.amr ?? SIGNED_BY_PHONE)],
    // Without a prototype: a client id such as `__proto__` names nothing else.
    authorizations: Object.assign(
      Object.create(null),
      Object.fromEntries(authorizations.map(({ clientId, sid, grantId }) => [clientId, { sid, grantId }])),
    ),
  }
}
