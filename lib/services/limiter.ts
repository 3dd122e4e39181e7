import { ProtocolError } from '../attempt/errors'
import { mac } from '../attempt/keys'
import type { Counter, Limits } from '../limits/limits'

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

/** How often who may do what. Each method throws ProtocolError `rate_limited` when it is too often. */
export class Limiter {
  readonly #options: LimiterOptions

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /** `address`: see `limitedAs`. */
  async start(browserHash: string, address: string): Promise<void> {
    await this.#take(['start_by_browser', browserHash], ['start_by_address', address])
  }

  /** Refuses too many scans, and every scan of a person who came with too many unknown codes. */
  async scan(personId: string): Promise<void> {
    await this.#take(['scan', personId], ['unknown_codes', personId, 'look'])
  }

  async unknownCode(personId: string): Promise<void> {
    await this.#take(['unknown_codes', personId])
  }

  async confirm(personId: string): Promise<void> {
    await this.#take(['confirm', personId])
  }

  /** Counted per attempt and browser: a stranger uses up their own tries, not the owner's. */
  async redeem(attemptId: string, browserHash: string): Promise<void> {
    await this.#take(['redeem', `${attemptId} ${browserHash}`])
  }

  /** Counted per name and address together: a stranger elsewhere cannot use up a name's tries. */
  async phoneSignIn(address: string, username: string): Promise<void> {
    await this.#take(['phone_sign_in', `${address} ${username}`])
  }

  /** To be asked after a bearer token or a signature was found to be bad. Good ones are never counted. */
  async badCredential(address: string): Promise<void> {
    await this.#take(['bad_credentials', address])
  }

  async #take(...claims: Claim[]): Promise<void> {
    const { limits, now } = this.#options
    const counters = claims.map((claim) => this.#counterOf(claim))
    const waitMs = await limits.take(counters, now())
    if (waitMs === 0) return
    const limit = claims.map(([rule]) => rule).join(',')
    throw new ProtocolError('rate_limited', { retryAfterS: Math.ceil(waitMs / 1000), limit })
  }

  #counterOf([rule, whose, look]: Claim): Counter {
    const { limit, windowMs } = RULES[rule]
    const key = mac(this.#options.key, `${rule} ${whose}`, 15).toString('base64url')
    return { key, limit: Math.max(1, Math.floor(limit * this.#options.scale)), windowMs, counts: look === undefined }
  }
}
