import { randomUUID } from 'node:crypto'
import type { Person } from '../core/account/person'
import { signWebhook } from '../core/standard-webhooks'
import { type Fetch, requestPerson } from './endpoint'

export interface VerifyUrlSettings {
  url: string
  /** The key of the signature. */
  secret: Buffer
}

export interface VerifyUrlOptions {
  settings: VerifyUrlSettings
  fetch: Fetch
  /** Epoch ms, as the machine's clock has it. */
  wall: () => number
}

/**
 * The operator's endpoint that verifies name and password. Requests are signed as Standard Webhooks
 * (https://www.standardwebhooks.com), so that the endpoint answers this server only.
 */
export class VerifyUrl {
  readonly #options: VerifyUrlOptions

  constructor(options: VerifyUrlOptions) {
    this.#options = options
  }

  /**
   * The person, or null for an unknown name or a wrong password (401, 404).
   * @throws SourceError
   */
  async findPerson(username: string, password: string): Promise<Person | null> {
    const { settings, fetch, wall } = this.#options
    const body = JSON.stringify({ username, password })
    const signature = signWebhook({ id: `msg_${randomUUID()}`, sentAt: wall(), body, keys: [settings.secret] })
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json', ...signature }
    return await requestPerson(fetch, settings.url, { method: 'POST', headers, body }, [401, 404])
  }
}
