import { type AddressList, clientAddress, rateLimitKeys } from '../../http/address'
import type { HeaderReader } from '../../http/api-request'
import { WindowCounter } from '../../http/window-counter'

/**
 * What a person needs is a few; a page costs more than anything else that an unauthenticated client
 * may ask for.
 */
export const PAGES_A_MINUTE = 240
const WINDOW_MS = 60_000
const MAX_KEYS = 100_000

/** Retry-After, in seconds, when there is no room to count a client. */
const FULL_RETRY_S = 10

export interface PageLimitOptions {
  trustedProxies: AddressList
  /** Multiplies the limit. */
  scale: number
  /** Paths of the files that are served as they are. */
  files: ReadonlySet<string>
  /** Monotonic, in ms. */
  now: () => number
}

export interface PageRefusal {
  status: 429 | 503
  retryAfterS: number
}

/**
 * How many pages an address may have: counted in this process, before the framework sees a request.
 */
export class PageLimit {
  readonly #options: PageLimitOptions
  readonly #counter: WindowCounter

  constructor(options: PageLimitOptions) {
    this.#options = options
    this.#counter = new WindowCounter({ windowMs: WINDOW_MS, maxKeys: MAX_KEYS, now: options.now })
  }

  /**
   * Counts a request that no handler of the API has taken. Returns null when it may be answered,
   * and at once when it is for a file. Whatever else the framework is handed is a page: it renders
   * one for each path that it does not know.
   */
  check(method: string, path: string, headers: HeaderReader): PageRefusal | null {
    if (this.#isFree(method, path)) return null
    const { trustedProxies, scale } = this.#options
    const keys = rateLimitKeys(clientAddress(headers, trustedProxies))
    const waitMs = this.#counter.add(
      keys.map(({ key, factor }) => ({ key, limit: Math.max(1, Math.floor(PAGES_A_MINUTE * factor * scale)) })),
    )
    if (waitMs === 'full') return { status: 503, retryAfterS: FULL_RETRY_S }
    return waitMs === 0 ? null : { status: 429, retryAfterS: Math.ceil(waitMs / 1_000) }
  }

  #isFree(method: string, path: string): boolean {
    const isRead = method === 'GET' || method === 'HEAD'
    return isRead && (path.startsWith('/_next/static/') || this.#options.files.has(path))
  }
}
