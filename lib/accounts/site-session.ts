import type { Person } from '../core/account/person'
import { type Fetch, requestPerson } from './endpoint'

export interface SiteSessionOptions {
  url: string
  fetch: Fetch
}

/** Our own cookies: they are not the site's business. */
const OWN = /^(__Host-)?qr_/

/**
 * The session that a browser has at the team's own site: an endpoint of the site says whose it is,
 * by the site's cookies. Both are on one registrable domain, and the cookies are set for it.
 */
export class SiteSession {
  readonly #options: SiteSessionOptions

  constructor(options: SiteSessionOptions) {
    this.#options = options
  }

  /**
   * The person who is signed in at the site, or null (401, 403, or no cookie).
   * @throws SourceError
   */
  async findPerson(cookieHeader: string | null): Promise<Person | null> {
    const cookies = (cookieHeader ?? '').split(';').map((pair) => pair.trim())
    const theirs = cookies.filter((pair) => pair !== '' && !OWN.test(pair))
    if (theirs.length === 0) return null
    const { url, fetch } = this.#options
    const headers = { Accept: 'application/json', Cookie: theirs.join('; ') }
    return await requestPerson(fetch, url, { method: 'GET', headers }, [401, 403])
  }
}
