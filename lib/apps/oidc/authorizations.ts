import type { RecordStore } from '../../core/record-store'

/** An app that a computer session is signed in to. */
export interface Authorization {
  clientId: string
  /** Names the session to the app, and to no other one (OpenID Connect Back-Channel Logout 1.0). */
  sid: string
  /** Of the grant that every token of this app in this session belongs to. */
  grantId: string
}

export interface AuthorizationsOptions {
  records: RecordStore
  now: () => number
  newId: () => string
}

const groupOf = (sessionId: string) => `session ${sessionId}`
const keyOf = (sessionId: string, clientId: string) => `authorization ${sessionId} ${clientId}`
/** The group of every record of a grant. */
export const grantGroupOf = (grantId: string) => `grant ${grantId}`

/**
 * Which apps each computer session is signed in to. They outlive the session's end: its apps are
 * still to be told.
 */
export class Authorizations {
  readonly #options: AuthorizationsOptions

  constructor(options: AuthorizationsOptions) {
    this.#options = options
  }

  async list(sessionId: string): Promise<Authorization[]> {
    const { records, now } = this.#options
    const found = await records.listRecords(groupOf(sessionId), now())
    return found.map(({ data }) => JSON.parse(data) as Authorization)
  }

  /**
   * The authorization of an app, made where there is none: concurrent calls get the same one.
   * `expiresAt`: of the session (epoch ms).
   */
  async ensure(sessionId: string, clientId: string, expiresAt: number): Promise<Authorization> {
    const { records, now, newId } = this.#options
    const key = keyOf(sessionId, clientId)
    const made: Authorization = { clientId, sid: newId(), grantId: newId() }
    const record = { key, data: JSON.stringify(made), expiresAt, group: groupOf(sessionId) }
    if (await records.insertRecord(record, now(), 'sign-in')) return made
    const found = await records.findRecord(key, now())
    return found === null ? made : (JSON.parse(found.data) as Authorization)
  }

  /** Ends the tokens of an app in this session, and signs the session out of the app. */
  async remove(sessionId: string, { clientId, grantId }: Authorization): Promise<void> {
    const { records } = this.#options
    await records.removeRecord(keyOf(sessionId, clientId))
    await records.removeRecords(grantGroupOf(grantId))
  }
}
