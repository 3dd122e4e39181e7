import { isOfApps } from './target'

const ALWAYS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** Two years (RFC 6797). Subdomains are not ours to decide about. */
const HSTS = 'max-age=63072000'

/**
 * What every response carries, from the API, a file or an error: it may load nothing, be framed
 * nowhere and be guessed as nothing. A page replaces the policy by one of its own (`proxy.ts`);
 * without that it shows text and runs nothing.
 */
export function baseHeaders(publicOrigin: string): [name: string, value: string][] {
  const isHttps = publicOrigin.startsWith('https:')
  return Object.entries(isHttps ? { ...ALWAYS, 'Strict-Transport-Security': HSTS } : ALWAYS)
}

/** Of these, what a path answers with. The hosts of apps are not ours to decide about. */
export function headersFor(
  url: string,
  headers: readonly [name: string, value: string][],
): readonly [name: string, value: string][] {
  return isOfApps(url) ? headers.filter(([name]) => name !== 'Strict-Transport-Security') : headers
}
