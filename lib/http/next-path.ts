/**
 * Pages that a sign-in never leads to: `/login` would lead back to itself, and the others act by
 * themselves in a document that comes from a page of ours. `next` is in a link that any page can
 * make.
 */
const NEVER_NEXT = /^\/(login.*|q|device|phone\/scan)$/

/** No router decodes more often; a path that needs more is made to be expensive. */
const DECODE_ROUNDS = 5

/**
 * Where to go after the sign-in: a path of our own, else `/`. Parsed as a browser would, not
 * matched by prefix: `//host`, `/\host`, tabs and schemes all lead elsewhere.
 */
export function parseNextPath(next: unknown, publicOrigin: string): string {
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, publicOrigin)) return '/'
  const url = new URL(next, publicOrigin)
  const path = `${url.pathname}${url.search}${url.hash}`
  // Dots can make a path that itself reads as another host: `/.//host` is `//host` once it is
  // resolved.
  const isOurs = url.origin === publicOrigin && !path.startsWith('//') && isOffered(url.pathname)
  return isOurs ? path : '/'
}

/**
 * The path of our own that a sign-in on the phone leads back to, its fragment included; null for
 * anything else. Only a page of ours can request it, so every page is offered.
 */
export function parseReturnPath(path: string, publicOrigin: string): string | null {
  if (!path.startsWith('/') || !URL.canParse(path, publicOrigin)) return null
  const { origin, pathname, search, hash } = new URL(path, publicOrigin)
  const isOurs = origin === publicOrigin && !pathname.startsWith('//')
  return isOurs ? `${pathname}${search}${hash}` : null
}

/**
 * Where a browser goes on at an app behind forward auth after the sign-in: a path of the app with
 * its query, else `/`. Never one of ours on the app's host, nor one that is too long for an
 * address. `path`: any page can make it. `appOrigin`: of the app.
 */
export function parseAppPath(path: string | null, appOrigin: string): string {
  if (path?.startsWith('/') !== true || path.length > MAX_APP_PATH || !URL.canParse(path, appOrigin)) return '/'
  const { origin, pathname, search } = new URL(path, appOrigin)
  const plain = toPlainPath(pathname)
  const isOfApp = origin === appOrigin && !pathname.startsWith('//') && plain !== null && !OURS_AT_APPS.test(plain)
  const parsed = pathname + search
  return isOfApp && parsed.length <= MAX_APP_PATH ? parsed : '/'
}

/**
 * Addresses of up to 8,000 characters work everywhere (RFC 9110, section 4.1): it is in one twice
 * encoded.
 */
export const MAX_APP_PATH = 2_048
const OURS_AT_APPS = /^\/\.qr-login(\/|$)/

function isOffered(pathname: string): boolean {
  const plain = toPlainPath(pathname)
  return plain !== null && !NEVER_NEXT.test(plain)
}

/**
 * The path that a router could take this one for: decoded until nothing is left to decode, dot
 * segments resolved, slashes merged, in lower case. Null when it cannot be decoded.
 */
function toPlainPath(pathname: string): string | null {
  const decoded = decodeWhole(pathname)
  if (decoded === null) return null
  const segments: string[] = []
  for (const segment of decoded.split(/[\\/]/)) {
    if (segment === '..') segments.pop()
    else if (segment !== '.' && segment !== '') segments.push(segment)
  }
  return `/${segments.join('/')}`.toLowerCase()
}

/** Null when it cannot be decoded, or not in a few rounds. */
function decodeWhole(text: string): string | null {
  try {
    let decoded = text
    for (let rounds = 0; rounds < DECODE_ROUNDS; rounds += 1) {
      const before = decoded
      decoded = decodeURIComponent(before)
      if (decoded === before) return decoded
    }
  } catch {}
  return null
}
