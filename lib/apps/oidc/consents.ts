import type { RecordStore } from '../../core/record-store'

/** What a person has agreed to give an app of a third party. */
export interface Consent {
  clientId: string
  scopes: string[]
  /** Epoch ms. */
  agreedAt: number
}

/** How long a consent is remembered after it was given last. */
export const CONSENT_MS = 400 * 24 * 3_600_000

const groupOf = (personId: string) => `consents ${personId}`
/** Client ids have no spaces. */
const keyOf = (personId: string, clientId: string) => `consent ${clientId} ${personId}`

/** The consents of people, each remembered for 400 days after it was given last. */
export class Consents {
  readonly #options: { records: RecordStore; now: () => number }

  constructor(options: { records: RecordStore; now: () => number }) {
    this.#options = options
  }

  async find(personId: string, clientId: string): Promise<Consent | null> {
    const { records, now } = this.#options
    const found = await records.findRecord(keyOf(personId, clientId), now())
    return found === null ? null : (JSON.parse(found.data) as Consent)
  }

  /** Newest first. */
  async list(personId: string): Promise<Consent[]> {
    const { records, now } = this.#options
    const found = await records.listRecords(groupOf(personId), now())
    const consents = found.map(({ data }) => JSON.parse(data) as Consent)
    return consents.sort((a, b) => b.agreedAt - a.agreedAt || (a.clientId < b.clientId ? -1 : 1))
  }

  /** What was agreed to before stays agreed to. */
  async agree(personId: string, clientId: string, scopes: readonly string[]): Promise<void> {
    const { records, now } = this.#options
    const before = await this.find(personId, clientId)
    const consent: Consent = {
      clientId,
      scopes: [...new Set([...(before?.scopes ?? []), ...scopes])],
      agreedAt: now(),
    }
    const key = keyOf(personId, clientId)
    const record = { key, data: JSON.stringify(consent), expiresAt: now() + CONSENT_MS, group: groupOf(personId) }
    await records.putRecord(record, now())
  }

  /** False if there was none. */
  async withdraw(personId: string, clientId: string): Promise<boolean> {
    return await this.#options.records.removeRecord(keyOf(personId, clientId))
  }
}
