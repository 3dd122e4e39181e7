import type { OutboxEvent } from '../../core/outbox/event'
import type { Delivery } from '../../core/outbox/outbox-store'
import { signWebhook } from '../../core/standard-webhooks'
import type { DeliveryTry, OutboxTarget, PostFetch } from './target'

/** How long a webhook is repeated. */
export const WEBHOOK_LIFE_MS = 3 * 24 * 3_600_000

const ENDPOINT = 'webhook'

/** The receiver wants no further tries (Standard Webhooks, "Response status codes"). */
const GONE = 410

export interface WebhookSettings {
  url: string
  /** Each signs, so that the receiver's key can be replaced. */
  keys: readonly [Buffer, ...Buffer[]]
}

export interface WebhooksOptions {
  settings: WebhookSettings
  fetch: PostFetch
  /** Epoch ms, as the machine's clock has it. */
  wall: () => number
}

/** The team's endpoint that is told of events, by Standard Webhooks. */
export class Webhooks implements OutboxTarget {
  readonly lifeMs = WEBHOOK_LIFE_MS
  readonly #options: WebhooksOptions

  constructor(options: WebhooksOptions) {
    this.#options = options
  }

  deliveriesOf(): readonly Delivery[] {
    return [{ endpoint: ENDPOINT }]
  }

  owns(endpoint: string): boolean {
    return endpoint === ENDPOINT
  }

  async send({ event, signal }: DeliveryTry): Promise<'delivered' | 'gone'> {
    const { settings, fetch, wall } = this.#options
    const body = JSON.stringify(toWebhookBody(event))
    const signature = signWebhook({ id: event.id, sentAt: wall(), body, keys: settings.keys })
    const headers = { 'Content-Type': 'application/json', ...signature }
    const { status } = await fetch(settings.url, { method: 'POST', headers, body, signal, discardsBody: true })
    if (status === GONE) return 'gone'
    if (status >= 200 && status < 300) return 'delivered'
    throw new Error(`the receiver answered ${status}`)
  }
}

/** The body of a webhook: section 8 of PROTOCOL.md. Times are ISO 8601. */
function toWebhookBody(event: OutboxEvent): object {
  const { type, personId, at } = event
  const person = { id: personId }
  const timestamp = toIso(at)
  switch (event.type) {
    case 'session.created': {
      const { signedInAt, expiresAt, ...session } = event.session
      const times = { signedInAt: toIso(signedInAt), expiresAt: toIso(expiresAt) }
      return { type, timestamp, data: { person, session: { ...session, ...times } } }
    }
    case 'session.revoked':
      return { type, timestamp, data: { person, session: event.session, by: event.by } }
    case 'attempt.declined':
    case 'attempt.mismatch':
      return { type, timestamp, data: { person, attempt: event.attempt, by: event.by } }
    case 'person.limited':
      return { type, timestamp, data: { person, by: event.by } }
    default:
      return event satisfies never
  }
}

function toIso(at: number): string {
  return new Date(at).toISOString()
}
