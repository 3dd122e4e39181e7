import { ProtocolError } from '../attempt/errors'
import { mac } from '../attempt/keys'
import type { Counter, Guard, Limits } from '../limits/limits'

interface Rule {
  limit: number
  windowMs: number
}

const MINUTE_MS = 60_000

/** Section 6 of PROTOCOL.md. A limit counts for whoever causes it, never for whom it is caused: nobody can lock somebody else out. */
const RULES = {
  start_by_browser: { limit: 6, windowMs: MINUTE_MS },
  start_by_address: { limit: 60, windowMs: MINUTE_MS },
  scan: { limit: 10, windowMs: MINUTE_MS },
  unknown_codes: { limit: 5, windowMs: 10 * MINUTE_MS },
  confirm: { limit: 10, windowMs: MINUTE_MS },
  /** Longer than a ticket lives. */
  redeem: { limit: 5, windowMs: 10 * MINUTE_MS },
  phone_sign_in: { limit: 5, windowMs: MINUTE_MS },
  bad_credentials: { limit: 20, windowMs: MINUTE_MS },
} satisfies Record<string, Rule>

type RuleName = keyof typeof RULES

export interface LimiterOptions {
  limits: Limits
  /** Keys are stored as MACs under this: neither names nor addresses, and all of one length. */
  key: Buffer
  /** Multiplies every limit. */
  scale: number
  now: () => number
}

/** A limit to be counted against, and whose. */
type Claim = [rule: RuleName, whose: string, counts?: 'look']

/**
 * How often who may do what. What comes with a write is a guard, to be counted with it; the rest is counted here. Either throws
 * ProtocolError `rate_limited` when it is too often.
 */
export class Limiter {
  readonly #options: LimiterOptions

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /** `address`: see `limitedAs`. */
  start(browserHash: string, address: string): Guard {
    return this.#guard(['start_by_browser', browserHash], ['start_by_address', address])
  }

  /** Refuses too many scans, and every scan of a person who came with too many unknown codes. */
  async scan(personId: string): Promise<void> {
    await this.pass(this.#guard(['scan', personId], ['unknown_codes', personId, 'look']))
  }

  async unknownCode(personId: string): Promise<void> {
    await this.pass(this.#guard(['unknown_codes', personId]))
  }

  confirm(personId: string): Guard {
    return this.#guard(['confirm', personId])
  }

  /** Counted per attempt and browser: a stranger uses up their own tries, not the owner's. */
  redeem(attemptId: string, browserHash: string): Guard {
    return this.#guard(['redeem', `${attemptId} ${browserHash}`])
  }

  /** Counted per name and address together: a stranger elsewhere cannot use up a name's tries. */
  async phoneSignIn(address: string, username: string): Promise<void> {
    await this.pass(this.#guard(['phone_sign_in', `${address} ${username}`]))
  }

  /** To be asked after a bearer token or a signature was found to be bad. Good ones are never counted. */
  async badCredential(address: string): Promise<void> {
    await this.pass(this.#guard(['bad_credentials', address]))
  }

  /** Counts a guard by itself: for what is refused before anything could be written. */
  async pass({ counters, now, refuse }: Guard): Promise<void> {
    const waitMs = await this.#options.limits.take(counters, now)
    if (waitMs > 0) throw refuse(waitMs)
  }

  #guard(...claims: Claim[]): Guard {
    const limit = claims.map(([rule]) => rule).join(',')
    return {
      counters: claims.map((claim) => this.#counterOf(claim)),
      now: this.#options.now(),
      refuse: (waitMs) => new ProtocolError('rate_limited', { retryAfterS: Math.ceil(waitMs / 1000), limit }),
    }
  }

  #counterOf([rule, whose, look]: Claim): Counter {
    const { limit, windowMs } = RULES[rule]
    const key = mac(this.#options.key, `${rule} ${whose}`, 15).toString('base64url')
    return { key, limit: Math.max(1, Math.floor(limit * this.#options.scale)), windowMs, counts: look === undefined }
  }
}
