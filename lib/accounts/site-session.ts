import type { Person } from '../core/account/person'
import { type Fetch, requestPerson } from './endpoint'

export interface SiteSessionOptions {
  url: string
  fetch: Fetch
}

/** Our own cookies, which the site does not get. */
const OWN = /^(__Host-)?qr_/

/**
 * The session that a browser has at the operator's own site: an endpoint of the site returns the
 * person, by the site's cookies. Both are on one registrable domain, and the cookies are set for
 * it.
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
