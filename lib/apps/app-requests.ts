import type { RequestingApp } from '../core/attempt/app'
import { ProtocolError } from '../core/errors'
import type { RecordStore } from '../core/record-store'
import type { ForwardRequest } from './forward-request'

/** How long a browser has to sign in for an app, in ms. */
export const APP_REQUEST_MS = 30 * 60_000

/** An app that has sent a browser here. It belongs to that browser alone. */
export interface AppRequest {
  app: RequestingApp & { interaction: string }
  /** The hash of the secret that the browser carries for apps. */
  browserHash: string
  /** Of an app behind forward auth. */
  forward?: ForwardRequest
}

/** The requests of apps that wait for a sign-in. */
export class AppRequests {
  readonly #options: { records: RecordStore; now: () => number }

  constructor(options: { records: RecordStore; now: () => number }) {
    this.#options = options
  }

  /** @throws FullError if the store has no room. */
  async insert(request: AppRequest): Promise<void> {
    const { records, now } = this.#options
    const key = keyOf(request.app.interaction)
    const record = { key, data: JSON.stringify(request), expiresAt: now() + APP_REQUEST_MS, group: null }
    await records.insertRecord(record, now(), 'unauthenticated')
  }

  /** @throws ProtocolError `interaction_unknown`, also for the request of another browser. */
  async require(id: string, browserHash: string | null): Promise<AppRequest> {
    const { records, now } = this.#options
    const found = await records.findRecord(keyOf(id), now())
    const request = found === null ? null : (JSON.parse(found.data) as AppRequest)
    if (request === null || browserHash === null || request.browserHash !== browserHash)
      throw new ProtocolError('interaction_unknown')
    return request
  }
}

function keyOf(id: string): string {
  return `app-request ${id}`
}
