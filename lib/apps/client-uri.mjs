/** The rules for the addresses in the clients file. Each returns the problem, or null. */

const MAX_URI_CHARS = 2048

/** Characters of a URI (RFC 3986, section 2), without `*`, which is taken for a wildcard. */
const URI_CHARS = /^[\w.~:/?#[\]@!$&'()+,;=%-]*$/

/** Loopback hosts as RFC 8252, section 7.3, and section 8.3 name them; 127.1 is none. */
const LOOPBACK_HTTP = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?(?:[/?]|$)/

/** A private-use scheme is a domain name in reverse order (RFC 8252, section 7.1). */
const PRIVATE_USE = /^[a-z][a-z\d+-]*(?:\.[a-z\d+-]+)+:\/./

const LOOPBACK_HTTPS = /^https:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?:[:/?]|$)/i

/** @param {string} uri */
export function isPrivateUse(uri) {
  return PRIVATE_USE.test(uri)
}

/** @param {string} uri */
export function isLoopbackHttp(uri) {
  return LOOPBACK_HTTP.test(uri)
}

/** @param {string} uri */
export function isLoopbackHttps(uri) {
  return LOOPBACK_HTTPS.test(uri)
}

/**
 * Of a redirect URI: https; http on a loopback address, with any port; or a private-use scheme.
 * @param {string} uri
 * @returns {string | null}
 */
export function findRedirectProblem(uri) {
  const problem = findUriProblem(uri)
  if (problem !== null) return problem
  if (/^https?:/.test(uri)) return findWebProblem(uri)
  const scheme = /^[A-Za-z][A-Za-z\d+.-]*(?=:)/.exec(uri)?.[0]
  if (scheme === undefined) return 'expected: an absolute URI'
  if (!scheme.includes('.'))
    return 'expected: https, or a private-use scheme with a dot, such as com.example.app:/callback'
  return isPrivateUse(uri)
    ? null
    : 'expected: a private-use scheme in lower case, and a path, such as com.example.app:/callback'
}

/**
 * Of a page: https, or http on a loopback address.
 * @param {string} uri
 * @returns {string | null}
 */
export function findPageProblem(uri) {
  return findUriProblem(uri) ?? findWebProblem(uri)
}

/**
 * Of what browsers load from elsewhere.
 * @param {string} uri
 * @returns {string | null}
 */
export function findHttpsProblem(uri) {
  return findUriProblem(uri) ?? (hasAuthority(uri, 'https') ? null : 'expected: an https address')
}

/**
 * Of an endpoint that receives requests from this server. Plain http needs `OUTBOUND_ALLOW` when
 * they are sent.
 * @param {string} uri
 * @returns {string | null}
 */
export function findEndpointProblem(uri) {
  const isHttp = hasAuthority(uri, 'https') || hasAuthority(uri, 'http')
  return findUriProblem(uri) ?? (isHttp ? null : 'expected: an https or http address')
}

/** @param {string} uri */
function findWebProblem(uri) {
  if (hasAuthority(uri, 'https') || isLoopbackHttp(uri)) return null
  return 'expected: https; http only on 127.0.0.1, [::1] or localhost'
}

/**
 * What no address may have.
 * @param {string} uri
 */
function findUriProblem(uri) {
  if (uri.includes('*')) return 'expected: no wildcard: every address is listed, and compared exactly'
  if (uri.includes('#')) return 'expected: no fragment (RFC 6749, section 3.1.2)'
  if (!URI_CHARS.test(uri))
    return 'expected: the characters of a URI: an international host name as xn--…, others as %…'
  if (uri.length > MAX_URI_CHARS) return `expected: at most ${MAX_URI_CHARS} characters`
  if (!URL.canParse(uri)) return 'expected: an absolute URI'
  const { username, password } = new URL(uri)
  return username === '' && password === '' ? null : 'expected: no name and password in the address'
}

/**
 * Browsers also take `https:host` and `https:///host`, which the app would not send.
 * @param {string} uri
 * @param {'https' | 'http'} scheme
 */
function hasAuthority(uri, scheme) {
  return new RegExp(`^${scheme}://[^/?]`).test(uri)
}
