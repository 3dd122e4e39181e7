import { createHmac } from 'node:crypto'

/** A request to sign as Standard Webhooks (https://www.standardwebhooks.com). */
export interface WebhookRequest {
  /** The same for each repeat of the request. */
  id: string
  /** When it is sent (epoch ms). */
  sentAt: number
  body: string
  /** One signature is made with each key: during a rotation the receiver has one of them. */
  keys: readonly Buffer[]
}

/** Returns the headers of the signature: HMAC-SHA256, version `v1`. */
export function signWebhook({ id, sentAt, body, keys }: WebhookRequest): Record<string, string> {
  const timestamp = String(Math.floor(sentAt / 1_000))
  const signed = `${id}.${timestamp}.${body}`
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
