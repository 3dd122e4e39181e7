import type { Requester } from './operation'

/** Headers of responses. */
export const HEADERS = {
  'X-Request-Id': { description: 'Names this request in the log.', required: true, schema: { type: 'string' } },
  'Cache-Control': { description: 'No response may be stored.', required: true, schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 0 } },
  ETag: { description: 'Changes with the response.', schema: { type: 'string' } },
  Location: { description: 'The path of the attempt.', schema: { type: 'string' } },
  Allow: { description: 'The methods that are offered.', required: true, schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'RFC 6750, section 3.', required: true, schema: { type: 'string' } },
  'Set-Cookie': { description: 'Sealed, HttpOnly.', schema: { type: 'string' } },
  'Clear-Site-Data': { description: '"cache"', schema: { type: 'string' } },
} as const

const header = (name: string, description: string, pattern?: string) => ({
  name,
  in: 'header',
  description,
  schema: pattern === undefined ? { type: 'string' } : { type: 'string', pattern },
})

/** Headers of requests. */
export const PARAMETERS = {
  'If-None-Match': header('If-None-Match', 'The ETag that the client has.'),
  'X-Timestamp': header('X-Timestamp', 'Bearer tokens, with API_SIGNING_SECRET: seconds since 1970.', '^\\d+$'),
  'X-Nonce': header('X-Nonce', 'Bearer tokens, with API_SIGNING_SECRET: used once.', '^.{16,64}$'),
  'X-Signature': header('X-Signature', 'Bearer tokens, with API_SIGNING_SECRET: hex HMAC-SHA256.', '^[0-9a-fA-F]{64}$'),
} as const

const cookie = (name: string, description: string) => ({ type: 'apiKey', in: 'cookie', name, description })

const OVER_HTTPS = 'With an https origin.'
const OVER_HTTP = 'With an http origin: development and demo.'

export const SECURITY_SCHEMES = {
  browserCookie: cookie('__Host-qr_browser', OVER_HTTPS),
  browserCookieHttp: cookie('qr_browser', OVER_HTTP),
  computerCookie: cookie('__Host-qr_session', OVER_HTTPS),
  computerCookieHttp: cookie('qr_session', OVER_HTTP),
  phoneCookie: cookie('__Host-qr_phone', OVER_HTTPS),
  phoneCookieHttp: cookie('qr_phone', OVER_HTTP),
  phoneToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Of a native app.' },
  metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN.' },
} as const

type Requirement = Partial<Record<keyof typeof SECURITY_SCHEMES, []>>

const BROWSER: Requirement[] = [{ browserCookie: [] }, { browserCookieHttp: [] }]
const COMPUTER: Requirement[] = [{ computerCookie: [] }, { computerCookieHttp: [] }]
const PHONE: Requirement[] = [{ phoneCookie: [] }, { phoneCookieHttp: [] }, { phoneToken: [] }]

/** One of these is enough. */
export const SECURITY_OF: Record<Requester, readonly Requirement[]> = {
  any: [],
  browser: BROWSER,
  computer: COMPUTER,
  phone: PHONE,
  account: [...COMPUTER, ...PHONE],
  metrics: [{ metricsToken: [] }],
}
