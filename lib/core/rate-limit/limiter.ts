import { isProtocolError, ProtocolError } from '../errors'
import { deriveKey, keyIdOf, mac } from '../keys'
import { type PersonRule, toLimitedEvent } from '../outbox/event'
import type { OutboxStore } from '../outbox/outbox-store'
import type { Counter, Guard, Limits, RateLimitKey } from './limits'

interface Rule {
  limit: number
  windowMs: number
}

const MINUTE_MS = 60_000

/**
 * The limits of section 6 of PROTOCOL.md. Each counts for the client that causes it; SECURITY.md
 * lists the cases in which one client can use up another's quota.
 */
export const RULES = {
  start_by_browser: { limit: 6, windowMs: MINUTE_MS },
  start_by_address: { limit: 60, windowMs: MINUTE_MS },
  hold: { limit: 20, windowMs: MINUTE_MS },
  scan: { limit: 10, windowMs: MINUTE_MS },
  unknown_codes: { limit: 5, windowMs: 10 * MINUTE_MS },
  wrong_short_codes: { limit: 5, windowMs: 10 * MINUTE_MS },
  wrong_short_codes_by_address: { limit: 30, windowMs: 10 * MINUTE_MS },
  confirm: { limit: 10, windowMs: MINUTE_MS },
  add_passkey: { limit: 10, windowMs: MINUTE_MS },
  phone_sign_in: { limit: 5, windowMs: MINUTE_MS },
  provider_sign_in: { limit: 60, windowMs: MINUTE_MS },
  failures_by_address: { limit: 20, windowMs: MINUTE_MS },
  failures_by_name: { limit: 30, windowMs: 60 * MINUTE_MS },
  app_request: { limit: 60, windowMs: MINUTE_MS },
  app_request_by_session: { limit: 60, windowMs: MINUTE_MS },
  refresh: { limit: 120, windowMs: 60 * MINUTE_MS },
  bad_credentials: { limit: 20, windowMs: MINUTE_MS },
} satisfies Record<string, Rule>

type RuleName = keyof typeof RULES

/** How long an address that a name has signed in from is exempt from that name's limit. */
const TRUSTED_ADDRESS_MS = 30 * 24 * 60 * MINUTE_MS

/** Where the addresses that a name has signed in from are stored: see `Store.remember`. */
interface Memory {
  remember(scope: string, entry: string, until: number, now: number): Promise<void> | void
  remembers(scope: string, entry: string, now: number): Promise<boolean> | boolean
}

/** The key that an accepted secret gives to hide names and addresses in the store. */
interface LimitKey {
  /** The id of the secret. */
  id: string
  key: Buffer
}

/** The keys of the accepted secrets, in their order. */
export function limitKeysOf([first, ...others]: readonly [string, ...string[]]): [LimitKey, ...LimitKey[]] {
  const toKey = (secret: string): LimitKey => ({ id: keyIdOf(secret), key: deriveKey(secret, 'limits') })
  return [toKey(first), ...others.map(toKey)]
}

export interface LimiterOptions {
  limits: Limits & Memory & Pick<OutboxStore, 'appendEvent'>
  /**
   * Rate-limit keys are stored as MACs, so that the store contains neither names nor addresses, and
   * all keys have the same length. This process counts under the first key, and adds what processes
   * with another first secret have counted under theirs.
   */
  keys: readonly [LimitKey, ...LimitKey[]]
  /** Multiplies every limit. */
  scale: number
  now: () => number
}

interface Quota {
  rule: RuleName
  /** The browser, person, name or address that is counted. */
  subject: string
  /** Multiplies the limit. */
  factor?: number
  /** Only checked, not counted. */
  isReadOnly?: boolean
}

/** A phone sign-in that is in progress. It counts as a failure until `succeed` is called. */
export interface SignInTry {
  /** Undoes the count of the failure, and exempts this address from the limits of failures. */
  succeed(): Promise<void>
  /** Undoes the count of the failure: the account source has not answered. */
  undo(): Promise<void>
}

/**
 * The rate limits. A limit of a step that writes is returned as a guard, which the store counts in
 * the same step; the other limits are counted here. Both throw ProtocolError `rate_limited` if the
 * limit is reached, and `FullError` if the store has no room for another counter.
 */
export class Limiter {
  readonly #options: LimiterOptions

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  start(browserHash: string, client: readonly RateLimitKey[]): Guard {
    return this.#guard({ rule: 'start_by_browser', subject: browserHash }, ...ofClient('start_by_address', client))
  }

  /** For a device without a browser, which has no secret before. */
  startDevice(client: readonly RateLimitKey[]): Guard {
    return this.#guard(...ofClient('start_by_address', client))
  }

  /** Counts a request to hold a code: its client is not signed in yet. */
  async hold(client: readonly RateLimitKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('hold', client)))
  }

  /** Refuses too many scans, and every scan of a person who has sent too many unknown codes. */
  async scan(personId: string): Promise<void> {
    const unknownCodes = { rule: 'unknown_codes', subject: personId, isReadOnly: true } as const
    const isBlocked = async () =>
      (await this.#options.limits.take([this.#counterOf(unknownCodes)], this.#options.now())) > 0
    await this.#pass(
      personId,
      async () => ((await isBlocked()) ? 'unknown_codes' : 'scan'),
      () => this.pass(this.#guard({ rule: 'scan', subject: personId }, unknownCodes)),
    )
  }

  async unknownCode(personId: string): Promise<void> {
    const guard = this.#guard({ rule: 'unknown_codes', subject: personId })
    await this.#pass(
      personId,
      () => 'unknown_codes',
      () => this.pass(guard),
    )
  }

  /**
   * Counts a short code as a wrong one before it is looked up, so that the limits are exact for
   * concurrent tries. Returns the function that undoes the count: the code exists.
   */
  async shortCode(personId: string, client: readonly RateLimitKey[]): Promise<() => Promise<void>> {
    const { limits, now } = this.#options
    const byAddress = ofClient('wrong_short_codes_by_address', client)
    const guard = this.#guard({ rule: 'wrong_short_codes', subject: personId }, ...byAddress)
    await this.pass(guard)
    return async () => await limits.giveBack(guard.counters, now())
  }

  /** `step` has to count the guard that it is given, and to throw its refusal. */
  async confirm<T>(personId: string, step: (guard: Guard) => Promise<T>): Promise<T> {
    const guard = this.#guard({ rule: 'confirm', subject: personId })
    return await this.#pass(
      personId,
      () => 'confirm',
      () => step(guard),
    )
  }

  /** Counts a request to add a passkey, before it is verified. */
  async addPasskey(personId: string): Promise<void> {
    await this.pass(this.#guard({ rule: 'add_passkey', subject: personId }))
  }

  /** Counts a step of a sign-in at the team's provider: it can cause requests to the provider. */
  async providerSignIn(client: readonly RateLimitKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('provider_sign_in', client)))
  }

  /**
   * Counts a sign-in by three rules: by name and address together, so that another address cannot
   * use up the name's quota; and, unless the name has signed in from this address, its failure by
   * address over all names and by name over all addresses. Spellings of one name count as one
   * name. A sign-in that one rule refuses does not count against the others.
   */
  async phoneSignIn(client: readonly RateLimitKey[], username: string): Promise<SignInTry> {
    const { limits, now } = this.#options
    const name = foldName(username)
    const [{ key: address } = { key: 'unknown' }] = client
    const [own, ...others] = this.#options.keys.map((each) => ({
      scope: `sign-in ${keyed(each, name)}`,
      entry: keyed(each, `${address} ${name}`),
    })) as [TrustedAddress, ...TrustedAddress[]]
    const known = await Promise.all([own, ...others].map(({ scope, entry }) => limits.remembers(scope, entry, now())))
    const isTrusted = known.includes(true)
    const failures: Quota[] = isTrusted
      ? []
      : [...ofClient('failures_by_address', client), { rule: 'failures_by_name', subject: name }]
    await this.pass(this.#guard({ rule: 'phone_sign_in', subject: `${address} ${name}` }, ...failures))
    const undo = async () => await limits.giveBack(this.#guard(...failures).counters, now())
    return {
      undo,
      succeed: async () => {
        await undo()
        await limits.remember(own.scope, own.entry, now() + TRUSTED_ADDRESS_MS, now())
      },
    }
  }

  /** Counts a request of an app from a browser that is not signed in: it can lead to a sign-in. */
  async appRequest(client: readonly RateLimitKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('app_request', client)))
  }

  /** The same from a browser that is signed in, whose network may be shared by many. */
  async appRequestOf(sessionId: string): Promise<void> {
    await this.pass(this.#guard({ rule: 'app_request_by_session', subject: sessionId }))
  }

  /** Counts the refresh of the tokens of an app in a session: each leaves a record. */
  async refresh(grantId: string): Promise<void> {
    await this.pass(this.#guard({ rule: 'refresh', subject: grantId }))
  }

  /** Call it after a bearer token or a signature was found to be bad. Valid ones do not count. */
  async badCredential(client: readonly RateLimitKey[]): Promise<void> {
    await this.pass(this.#guard(...ofClient('bad_credentials', client)))
  }

  /** Counts a guard without a write: for limits that are checked before the step. */
  async pass({ counters, now, refuse }: Guard): Promise<void> {
    const waitMs = await this.#options.limits.take(counters, now)
    if (waitMs > 0) throw refuse(waitMs)
  }

  /**
   * Runs a step that a limit of the person may refuse. A refusal is an event: one per person and
   * rule in the window of the rule.
   */
  async #pass<T>(
    personId: string,
    findRule: () => PersonRule | Promise<PersonRule>,
    step: () => Promise<T>,
  ): Promise<T> {
    try {
      return await step()
    } catch (error) {
      if (!isProtocolError(error) || error.code !== 'rate_limited') throw error
      const { limits, now } = this.#options
      const rule = await findRule()
      const once = { key: `person.limited ${rule} ${personId}`, until: now() + RULES[rule].windowMs }
      await limits.appendEvent(toLimitedEvent(personId, rule, now()), once)
      throw error
    }
  }

  #guard(...quotas: Quota[]): Guard {
    const limit = [...new Set(quotas.map(({ rule }) => rule))].join(',')
    return {
      counters: quotas.map((quota) => this.#counterOf(quota)),
      now: this.#options.now(),
      refuse: (waitMs) => new ProtocolError('rate_limited', { retryAfterS: Math.ceil(waitMs / 1000), limit }),
    }
  }

  #counterOf({ rule, subject, factor = 1, isReadOnly = false }: Quota): Counter {
    const { limit, windowMs } = RULES[rule]
    const [key = '', ...aliases] = this.#options.keys.map((each) => keyed(each, `${rule} ${subject}`))
    const scaled = Math.max(1, Math.floor(limit * factor * this.#options.scale))
    const counter = { rule, key, limit: scaled, windowMs, counts: !isReadOnly }
    return aliases.length === 0 ? counter : { ...counter, aliases }
  }
}

/** An address that a name has signed in from, as it is stored. */
interface TrustedAddress {
  scope: string
  entry: string
}

function ofClient(rule: RuleName, client: readonly RateLimitKey[]): Quota[] {
  return client.map(({ key, factor }) => ({ rule, subject: key, factor }))
}

function keyed({ id, key }: LimitKey, text: string): string {
  return `${id}:${mac(key, text, 15).toString('base64url')}`
}

/** Accents, and characters that are not displayed: some databases ignore them in comparisons. */
const IGNORED = /[\u0300-\u036f\p{Default_Ignorable_Code_Point}]/gu

/**
 * Maps all spellings of a name to one: compatibility forms (UAX 15), letter case, accents, outer
 * blanks. Upper case first, because that folds ß and ς.
 */
function foldName(username: string): string {
  const folded = username.normalize('NFKC').toUpperCase().toLowerCase()
  return folded.normalize('NFKD').replace(IGNORED, '').normalize('NFKC').trim()
}
