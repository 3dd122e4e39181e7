import { ProtocolError } from '../core/errors'
import type { RateLimitKey } from '../core/rate-limit/limits'
import { WindowCounter } from './window-counter'

/** Refusals of `/api/qr/**` that one client gets in a minute, before it gets 429 instead. */
export const REFUSALS_PER_MINUTE = 120
const MINUTE_MS = 60_000

/** Clients that are counted at a time: about 20 MB. */
const MAX_CLIENTS = 100_000

const COUNTED = new Set([403, 404, 409, 410])

export interface RefusalsOptions {
  /** Multiplies the limit. */
  scale: number
  /** Monotonic, in ms. */
  now: () => number
}

/**
 * Counts what is refused, in the process and at no cost to the store. A client that guesses is
 * slowed down; requests that succeed are never limited.
 */
export class Refusals {
  readonly #perMinute: number
  readonly #counter: WindowCounter

  constructor({ scale, now }: RefusalsOptions) {
    this.#perMinute = Math.max(1, Math.floor(REFUSALS_PER_MINUTE * scale))
    this.#counter = new WindowCounter({ windowMs: MINUTE_MS, maxKeys: MAX_CLIENTS, now })
  }

  /**
   * What the client is refused with: `refusal` itself, or `rate_limited` in its place. `status`: of
   * `refusal`.
   */
  answer(refusal: ProtocolError, status: number, client: readonly RateLimitKey[]): ProtocolError {
    if (!COUNTED.has(status)) return refusal
    const keys = client.map(({ key, factor }) => ({ key, limit: this.#perMinute * factor }))
    const waitMs = this.#counter.add(keys)
    if (waitMs === 0) return refusal
    // No room to count it: the request is refused in any case, and the response gives nothing away.
    if (waitMs === 'full')
      return new ProtocolError('unavailable', { retryAfterS: MINUTE_MS / 1000, limit: 'refusals full' })
    return new ProtocolError('rate_limited', { retryAfterS: Math.ceil(waitMs / 1000), limit: 'refusals' })
  }

  /** How many keys are counted. */
  get size(): number {
    return this.#counter.size
  }
}
