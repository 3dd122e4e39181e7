import { ProtocolError } from '../errors'
import { mac } from '../keys'
import type { Counter, Guard, Limits } from './limits'

interface Rule {
  limit: number
  windowMs: number
}

const MINUTE_MS = 60_000

/**
 * Section 6 of PROTOCOL.md. A limit counts for the client that causes it; SECURITY.md names where
 * one client can use up another's.
 */
export const RULES = {
  start_by_browser: { limit: 6, windowMs: MINUTE_MS },
  start_by_address: { limit: 60, windowMs: MINUTE_MS },
  hold: { limit: 20, windowMs: MINUTE_MS },
  scan: { limit: 10, windowMs: MINUTE_MS },
  unknown_codes: { limit: 5, windowMs: 10 * MINUTE_MS },
  confirm: { limit: 10, windowMs: MINUTE_MS },
  phone_sign_in: { limit: 5, windowMs: MINUTE_MS },
  provider_sign_in: { limit: 60, windowMs: MINUTE_MS },
  failures_by_address: { limit: 20, windowMs: MINUTE_MS },
  failures_by_name: { limit: 30, windowMs: 60 * MINUTE_MS },
  bad_credentials: { limit: 20, windowMs: MINUTE_MS },
} satisfies Record<string, Rule>

type RuleName = keyof typeof RULES

/** How long an address from which a name has signed in stays free of the limit of that name. */
const TRUSTED_ADDRESS_MS = 30 * 24 * 60 * MINUTE_MS

/** What a client counts by: see `rateLimitKeys`. */
interface ClientKey {
  key: string
  factor: number
}

/** Where addresses are remembered from which a name has signed in. */
interface Memory {
  remember(who: string, what: string, until: number, now: number): Promise<void> | void
  remembers(who: string, what: string, now: number): Promise<boolean> | boolean
}

/**
 * A key under which the first secret, or another that is accepted, hides names and addresses in the
 * store.
 */
export interface LimitKey {
  /** Of the secret that it comes from. */
  id: string
  key: Buffer
}

export interface LimiterOptions {
  limits: Limits & Memory
  /**
   * Keys are stored as MACs: neither names nor addresses, and all of one length. The first counts;
   * what processes with another first secret have counted under theirs is added.
   */
  keys: readonly [LimitKey, ...LimitKey[]]
  /** Multiplies every limit. */
  scale: number
  now: () => number
}

interface Claim {
  rule: RuleName
  of: string
  /** Multiplies the limit. */
  factor?: number
  /** Only looked at. */
  isLook?: boolean
}

/** A try to sign a phone in, which was counted as a failure until it turns out well. */
export interface SignInTry {
  /** Takes the failure back, and trusts the address for this name from now on. */
  succeed(): Promise<void>
}

/**
 * How often each client may do what. What comes with a write is a guard, to be counted with it; the
 * rest is counted here. Either throws ProtocolError `rate_limited` when it is too often, and
 * `FullError` when there is no room to count.
 */
export class Limiter {
  readonly #options: LimiterOptions

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  start(browserHash: string, client: readonly ClientKey[]): Guard {
    return this.#guard({ rule: 'start_by_browser', of: browserHash }, ...ofClient('start_by_address', client))
  }

  /** Counts a request to hold a code: its client is not signed in yet. */
  async hold(client: readonly ClientKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('hold', client)))
  }

  /** Refuses too many scans, and every scan of a person who came with too many unknown codes. */
  async scan(personId: string): Promise<void> {
    await this.pass(this.#guard({ rule: 'scan', of: personId }, { rule: 'unknown_codes', of: personId, isLook: true }))
  }

  async unknownCode(personId: string): Promise<void> {
    await this.pass(this.#guard({ rule: 'unknown_codes', of: personId }))
  }

  confirm(personId: string): Guard {
    return this.#guard({ rule: 'confirm', of: personId })
  }

  /** Counts a step of a sign-in at the team's provider: it can cause requests to the provider. */
  async providerSignIn(client: readonly ClientKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('provider_sign_in', client)))
  }

  /**
   * Counts a try to sign in: per name and address, so that a stranger elsewhere cannot use up a
   * name's tries; its failure per address over all names; and per name over all addresses but those
   * that the name has signed in from. Names that are the same to a person are one. A try that one
   * of these refuses uses up nothing of the others.
   */
  async phoneSignIn(client: readonly ClientKey[], username: string): Promise<SignInTry> {
    const { limits, now } = this.#options
    const name = foldName(username)
    const [{ key: address } = { key: 'unknown' }] = client
    const [place, ...others] = this.#options.keys.map((each) => ({
      who: `sign-in ${keyed(each, name)}`,
      what: keyed(each, `${address} ${name}`),
    })) as [Place, ...Place[]]
    const known = await Promise.all([place, ...others].map(({ who, what }) => limits.remembers(who, what, now())))
    const isTrusted = known.includes(true)
    const failures: Claim[] = [
      ...ofClient('failures_by_address', client),
      ...(isTrusted ? [] : [{ rule: 'failures_by_name', of: name } as const]),
    ]
    await this.pass(this.#guard({ rule: 'phone_sign_in', of: `${address} ${name}` }, ...failures))
    return {
      succeed: async () => {
        await limits.giveBack(this.#guard(...failures).counters, now())
        await limits.remember(place.who, place.what, now() + TRUSTED_ADDRESS_MS, now())
      },
    }
  }

  /**
   * To be called after a bearer token or a signature was found to be bad. Good ones are never
   * counted.
   */
  async badCredential(client: readonly ClientKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('bad_credentials', client)))
  }

  /** Counts a guard by itself: for what is refused before anything could be written. */
  async pass({ counters, now, refuse }: Guard): Promise<void> {
    const waitMs = await this.#options.limits.take(counters, now)
    if (waitMs > 0) throw refuse(waitMs)
  }

  #guard(...claims: Claim[]): Guard {
    const limit = [...new Set(claims.map(({ rule }) => rule))].join(',')
    return {
      counters: claims.map((claim) => this.#counterOf(claim)),
      now: this.#options.now(),
      refuse: (waitMs) => new ProtocolError('rate_limited', { retryAfterS: Math.ceil(waitMs / 1000), limit }),
    }
  }

  #counterOf({ rule, of, factor = 1, isLook = false }: Claim): Counter {
    const { limit, windowMs } = RULES[rule]
    const [key = '', ...aliases] = this.#options.keys.map((each) => keyed(each, `${rule} ${of}`))
    const scaled = Math.max(1, Math.floor(limit * factor * this.#options.scale))
    const counter = { rule, key, limit: scaled, windowMs, counts: !isLook }
    return aliases.length === 0 ? counter : { ...counter, aliases }
  }
}

/** An address that a name has signed in from, as it is remembered. */
interface Place {
  who: string
  what: string
}

function ofClient(rule: RuleName, client: readonly ClientKey[]): Claim[] {
  return client.map(({ key, factor }) => ({ rule, of: key, factor }))
}

function keyed({ id, key }: LimitKey, text: string): string {
  return `${id}:${mac(key, text, 15).toString('base64url')}`
}

/**
 * Spellings of one name are one name: compatibility forms (UAX 15), letter case, blanks around it.
 * Upper case first: it folds ß and ς.
 */
function foldName(username: string): string {
  return username.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').trim()
}
