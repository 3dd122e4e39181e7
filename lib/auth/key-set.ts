import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { ProtocolError } from '../core/errors'
import type { OutboundFetch } from '../http/outbound'

/**
 * No key is used that was fetched longer ago: a key that was withdrawn is dead within this time.
 * While the set cannot be fetched, no token is accepted.
 */
const MAX_AGE_MS = 60_000

/** Fetched in the background from this age on, so that under traffic no request waits for it. */
const REFRESH_AT_MS = 30_000

/**
 * A token with an unknown key id refetches the set, at most this often: invented ids cause no
 * further requests.
 */
const COOLDOWN_MS = 10_000

/** How soon a fetch that failed is tried again. In between no request waits for it. */
const RETRY_MS = 2_000

const FETCH_DEADLINE_MS = 800

export interface KeySetOptions {
  url: string
  /** In ms. Only differences count. */
  now: () => number
  /** Called with the reason of each failed fetch. */
  onError: (error: unknown) => void
  fetch: OutboundFetch
}

/**
 * The public keys of the issuer of bearer tokens (RFC 7517), fetched when due, one fetch at a time.
 */
export class KeySet {
  readonly #options: KeySetOptions
  #keys: JWTVerifyGetKey | null = null
  #fetchedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | null = null

  constructor(options: KeySetOptions) {
    this.#options = options
  }

  /**
   * The key for a token's header; only the set's own keys, whatever the header offers (`jwk`,
   * `jku`, `x5u`).
   * @throws a jose error when the set has none, ProtocolError `unavailable` when the set has not
   * been fetched within the last minute and cannot be fetched now.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#getKeys()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#mayTry()) throw error
      await this.#refresh()
      return await (await this.#getKeys())(header, token)
    }
  }

  async #getKeys(): Promise<JWTVerifyGetKey> {
    const age = this.#options.now() - this.#fetchedAt
    const refreshing = age >= REFRESH_AT_MS && this.#mayTry() ? this.#refresh() : null
    if (age >= MAX_AGE_MS) await refreshing
    const isOld = this.#options.now() - this.#fetchedAt >= MAX_AGE_MS
    if (this.#keys === null || isOld) throw new ProtocolError('unavailable', { retryAfterS: 5 })
    return this.#keys
  }

  /** Whether a fetch may begin, or is under way and can be waited for. */
  #mayTry(): boolean {
    return this.#fetching !== null || this.#options.now() - this.#triedAt >= COOLDOWN_MS
  }

  /** Never throws: a key that is missing afterwards is refused by `find`. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const { url, now, onError, fetch } = this.#options
    const startedAt = now()
    this.#triedAt = startedAt
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(url, fetch))
      // A key may have been withdrawn while the response was on its way.
      this.#fetchedAt = startedAt
    } catch (error) {
      this.#triedAt = now() - COOLDOWN_MS + RETRY_MS
      onError(error)
    }
  }
}

async function fetchKeySet(url: string, fetch: OutboundFetch): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { Accept: 'application/jwk-set+json, application/json' },
    signal: AbortSignal.timeout(FETCH_DEADLINE_MS),
  })
  if (!response.ok) throw new Error(`the key set answered ${response.status}`)
  return (await response.json()) as JSONWebKeySet
}
