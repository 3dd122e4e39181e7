import type { HeaderReader } from './api-request'
import { parseBearer } from './authorization'

/**
 * Whether a state-changing request may come from another site's page: fetch metadata where the
 * browser sends it (it does not over plain http on a local network), else the Origin header.
 * Without either, a request that carries a cookie is refused too: our own pages always send one of
 * them. A bearer token and no cookie is a native app: no page can make a browser send one here, for
 * that takes a permission (CORS) that we never give.
 */
export function isCrossSite(headers: HeaderReader, ownOrigins: ReadonlySet<string>): boolean {
  if (!headers.has('cookie') && parseBearer(headers.get('authorization')) !== null) return false
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin'
  const origin = headers.get('origin')
  if (origin !== null) return !ownOrigins.has(origin)
  return headers.has('cookie')
}
