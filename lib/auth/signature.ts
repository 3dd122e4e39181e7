import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Limits } from '../core/rate-limit/limits'
import type { HeaderReader } from '../http/api-request'

/** How far a request's clock may be off. */
const TOLERANCE_MS = 60_000

export interface SignaturesOptions {
  /** A signature by any of them is good. */
  secrets: readonly [string, ...string[]]
  limits: Limits
  /** Epoch ms, by which the limits count. */
  now: () => number
  /** Epoch ms, as the machine's clock has it: what clients' timestamps are compared with. */
  wall: () => number
}

/** What of a request is signed, beside timestamp and nonce. */
export interface Signed {
  method: string
  /** With query, as the client sent it. */
  path: string
  body: string
}

/**
 * Signed requests of native apps: `X-Signature` is the hex HMAC-SHA256 of method, path with query,
 * timestamp, nonce and the hex SHA-256 of the body, joined by single line feeds.
 */
export class Signatures {
  readonly #options: SignaturesOptions

  constructor(options: SignaturesOptions) {
    this.#options = options
  }

  /**
   * Whether this request is signed, fresh, and new. Its nonce is used up then: the same request is
   * not new again, anywhere.
   */
  async isGood(headers: HeaderReader, { method, path, body }: Signed, personId: string): Promise<boolean> {
    const { secrets, limits, now, wall } = this.#options
    const timestamp = headers.get('x-timestamp') ?? ''
    const nonce = headers.get('x-nonce') ?? ''
    const signature = headers.get('x-signature') ?? ''
    const sentAt = Number(timestamp) * 1000
    const isFresh = /^\d{1,12}$/.test(timestamp) && Math.abs(wall() - sentAt) <= TOLERANCE_MS
    if (!isFresh || !/^[\x21-\x7e]{16,64}$/.test(nonce) || !/^[0-9a-f]{64}$/i.test(signature)) return false
    const signed = [method, path, timestamp, nonce, sha256Hex(body)].join('\n')
    const given = Buffer.from(signature, 'hex')
    const matches = secrets.map((secret) =>
      timingSafeEqual(createHmac('sha256', secret).update(signed).digest(), given),
    )
    if (!matches.includes(true)) return false
    // Kept for as long as the timestamp is good, by any server's clock.
    const keptMs = sentAt + 2 * TOLERANCE_MS - wall()
    return await limits.takeOnce(`nonce ${sha256Hex(`${personId}\n${nonce}`)}`, now() + keptMs, now())
  }
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
