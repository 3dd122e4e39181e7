import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export interface ReceivedWebhook {
  id: string
  type: string
  timestamp: string
  // biome-ignore lint/suspicious/noExplicitAny: the test asserts the body
  data: any
  /** `Date.now` of the receiver. */
  at: number
}

type Respond = (webhook: ReceivedWebhook, response: ServerResponse) => void

const accept: Respond = (_, response) => {
  response.writeHead(204).end()
}

/** A team's own server on 127.0.0.1: verifies each webhook with a foreign package, and keeps it. */
export class WebhookReceiver {
  /** Webhooks with a valid signature, repeats included, whatever the response was. */
  readonly received: ReceivedWebhook[] = []
  /** Why requests were refused by the verifier. */
  readonly refused: string[] = []
  respond: Respond = accept
  /**
   * How long it works on a webhook, in ms. One whose connection has closed by then was not
   * received: the receiver crashed with it, as far as the sender knows.
   */
  workMs: () => number = () => 0
  readonly #server: Server
  readonly #webhook = new Webhook(WEBHOOK_SECRET)
  /** Requests of a fake clock are verified without a look at their time. */
  readonly #hasFakeClock: boolean
  #port = 0

  private constructor(hasFakeClock: boolean) {
    this.#hasFakeClock = hasFakeClock
    this.#server = createServer((request, response) => void this.#receive(request, response))
  }

  static async start({ hasFakeClock = false } = {}): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(hasFakeClock)
    await receiver.listen()
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/webhooks`
  }

  /** The settings that send webhooks here. */
  get env(): Record<string, string> {
    return { WEBHOOK_URL: this.url, WEBHOOK_SECRET, OUTBOUND_ALLOW: '127.0.0.1' }
  }

  get ids(): string[] {
    return this.received.map(({ id }) => id)
  }

  get types(): string[] {
    return this.received.map(({ type }) => type)
  }

  /** Accepts again, after `stop`, on the same port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Connections are refused from now on. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const headers = request.headers as Record<string, string>
    const id = headers['webhook-id'] ?? ''
    try {
      if (this.#hasFakeClock) this.#compareSignature(id, headers, body)
      else this.#webhook.verify(body, headers)
    } catch (error) {
      this.refused.push(String(error))
      response.writeHead(400).end()
      return
    }
    const workMs = this.workMs()
    if (workMs > 0) await new Promise((resolve) => setTimeout(resolve, workMs))
    if (request.socket.destroyed) return
    const webhook = { id, ...JSON.parse(body), at: Date.now() } as ReceivedWebhook
    this.received.push(webhook)
    this.respond(webhook, response)
  }

  #compareSignature(id: string, headers: Record<string, string>, body: string): void {
    const sentAt = new Date(Number(headers['webhook-timestamp']) * 1_000)
    const expected = this.#webhook.sign(id, sentAt, body)
    if (!headers['webhook-signature']?.split(' ').includes(expected)) throw new Error('another signature')
  }
}
