import { z } from 'zod'
import { AddressList } from '../http/address'
import { LOG_LEVELS } from './log'

const flag = z
  .enum(['true', 'false', '1', '0'], 'true, false, 1 or 0')
  .transform((text) => text === 'true' || text === '1')

const seconds = z
  .string()
  .regex(/^\d{1,9}$/, 'whole seconds, at least 1')
  .transform(Number)
  .refine((value) => value >= 1, 'whole seconds, at least 1')
  .transform((value) => value * 1000)

const count = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `a whole number from ${least} to ${most}`)

const addresses = z.string().transform((text, context) => {
  try {
    return new AddressList(splitList(text))
  } catch {
    context.addIssue('addresses or CIDR blocks, separated by commas')
    return z.NEVER
  }
})

const HOSTS = 'hosts such as wiki.example.com, without scheme and path, separated by commas'
/** `https` only reads them: which scheme they have is known with `PUBLIC_ORIGIN`. */
const hosts = z
  .string()
  .transform(splitList)
  .refine((list) => list.length > 0 && list.every((host) => isOrigin(`https://${host}`) && !host.endsWith('/')), HOSTS)

/** What a secret has at least. */
export const SECRET_CHARS = 32
const secrets = z
  .string()
  .transform(splitList)
  .refine((list) => list.length > 0 && list.every((secret) => secret.length >= SECRET_CHARS), {
    error: `at least ${SECRET_CHARS} characters each; several are separated by commas`,
  })
  .transform((list) => list as [string, ...string[]])

/** What a bearer token is made of (RFC 6750, section 2.1). */
const bearerTokens = z
  .string()
  .transform(splitList)
  .refine((list) => list.length > 0 && list.every((token) => token.length >= SECRET_CHARS && isToken(token)), {
    error: `at least ${SECRET_CHARS} letters, digits or -._~+/= each; several are separated by commas`,
  })
  .transform((list) => list as [string, ...string[]])

const origin = z
  .string()
  .refine(isOrigin, 'an origin such as https://login.example.com: http or https, no path')
  .transform((text) => new URL(text).origin)

const keySetUrl = z.string().refine(isKeySetUrl, 'an https address, or one of this machine')

/** OpenID Connect Discovery 1.0, section 3: no query and no fragment. */
const issuerUrl = z.string().refine(isIssuer, 'an https address without query and fragment, or an http one')

const endpointUrl = z.string().refine(isEndpoint, 'an https address without fragment, or an http one')

/** Of Standard Webhooks: the base64 of 24 to 64 bytes after a prefix. */
const webhookSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, 'whsec_ and the base64 of 24 to 64 random bytes')
  .transform((text) => Buffer.from(text.slice('whsec_'.length), 'base64'))
  .refine(({ length }) => length >= 24 && length <= 64, 'whsec_ and the base64 of 24 to 64 random bytes')

const webhookSecrets = z.string().transform((text, context) => {
  const parsed = splitList(text).map((each) => webhookSecret.safeParse(each).data)
  const keys = parsed.filter((key) => key !== undefined)
  if (keys.length > 0 && keys.length === parsed.length) return keys as [Buffer, ...Buffer[]]
  context.addIssue('whsec_ and the base64 of 24 to 64 random bytes; several are separated by commas')
  return z.NEVER
})

const redisUrl = z.string().refine(isRedisUrl, 'an address such as redis://user:password@host:6379 or rediss://host')

/** A token (RFC 9110, section 5.6.2). Names of fields are case-insensitive. */
const headerName = z
  .string()
  .trim()
  .regex(/^[!#$%&'*+.^_`|~\dA-Za-z-]+$/, 'the name of one header field, such as CF-IPCity')
  .toLowerCase()

/** What each setting may be, by itself. */
export const settings = z.object({
  NODE_ENV: z.string().optional(),
  DEMO: flag.default(false),
  PUBLIC_ORIGIN: origin.optional(),
  SESSION_SECRET: secrets.optional(),
  PORT: count(0, 65_535).default(3000),
  DATA_DIR: z.string().min(1).default('.data'),
  REDIS_URL: redisUrl.optional(),
  UPSTASH_REDIS_REST_URL: keySetUrl.optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().optional(),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w:.-]{1,64}$/, '1 to 64 letters, digits, or :.-_')
    .default('qr-login:'),
  DEMO_ACCOUNTS: flag.optional(),
  ACCOUNTS_OIDC_ISSUER: issuerUrl.optional(),
  ACCOUNTS_OIDC_CLIENT_ID: z.string().optional(),
  ACCOUNTS_OIDC_CLIENT_SECRET: z.string().optional(),
  ACCOUNTS_OIDC_SCOPES: z
    .string()
    .regex(/^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'scopes separated by single spaces, openid first')
    .default('openid profile email'),
  ACCOUNTS_OIDC_NAME: z.string().max(60, 'at most 60 characters').optional(),
  ACCOUNTS_OIDC_ID_CLAIM: z.string().default('sub'),
  ACCOUNTS_OIDC_GROUPS_CLAIM: z.string().default('groups'),
  ACCOUNTS_VERIFY_URL: endpointUrl.optional(),
  ACCOUNTS_VERIFY_SECRET: webhookSecret.optional(),
  ACCOUNTS_SESSION_URL: endpointUrl.optional(),
  CLIENTS_FILE: z.string().optional(),
  WEBHOOK_URL: endpointUrl.optional(),
  WEBHOOK_SECRET: webhookSecrets.optional(),
  FORWARD_AUTH_HOSTS: hosts.optional(),
  PASSKEYS: z.enum(['on', 'off'], 'on or off').optional(),
  CONFIRM_POLICY: z.enum(['tap', 'passkey', 'passkey-always'], 'tap, passkey or passkey-always').default('tap'),
  PHONE_JWT_SECRET: secrets.optional(),
  PHONE_JWKS_URL: keySetUrl.optional(),
  PHONE_JWT_ISSUER: z.string().optional(),
  PHONE_JWT_AUDIENCE: z.string().optional(),
  API_SIGNING_SECRET: secrets.optional(),
  IP_ALLOWLIST: addresses.optional(),
  TRUSTED_PROXIES: addresses.optional(),
  OUTBOUND_ALLOW: addresses.optional(),
  MATCH_POLICY: z.enum(['risk', 'always', 'never'], 'risk, always or never').default('risk'),
  SINGLE_COMPUTER: flag.default(false),
  MAX_COMPUTERS: count(1, 1_000).default(20),
  ATTEMPT_TTL_S: seconds.default(300_000),
  CODE_PERIOD_S: seconds.default(30_000),
  CONFIRM_TTL_S: seconds.default(120_000),
  TICKET_TTL_S: seconds.default(60_000),
  CONFIRM_MIN_MS: count(0, 60_000).default(700),
  SESSION_TTL_S: seconds.default(604_800_000),
  SESSION_IDLE_TTL_S: seconds.default(86_400_000),
  PHONE_IDLE_TTL_S: seconds.default(2_592_000_000),
  RATE_LIMIT_SCALE: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'a number above 0')
    .transform(Number)
    .refine((value) => value > 0, 'a number above 0')
    .default(1),
  PLACE_HEADER: headerName.optional(),
  GEOIP_DB: z.string().optional(),
  MAX_STREAMS: count(1, 10_000_000).default(20_000),
  LOG_LEVEL: z.enum(LOG_LEVELS, LOG_LEVELS.join(', ')).default('info'),
  METRICS_TOKEN: bearerTokens.optional(),
})

export type Settings = z.infer<typeof settings>

/** Every setting that is read, by name. */
export const SETTINGS = Object.keys(settings.shape)

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function isToken(text: string): boolean {
  return /^[\w.~+/=-]+$/.test(text)
}

function isRedisUrl(text: string): boolean {
  return URL.canParse(text) && ['redis:', 'rediss:'].includes(new URL(text).protocol) && new URL(text).hostname !== ''
}

function isKeySetUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback)
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, search, hash, username, password } = new URL(text)
  const isBare = search === '' && hash === '' && username === '' && password === ''
  return isBare && (protocol === 'https:' || protocol === 'http:')
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hash, username, password } = new URL(text)
  const isBare = hash === '' && username === '' && password === ''
  return isBare && (protocol === 'https:' || protocol === 'http:')
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, pathname, search, hash, username, password } = new URL(text)
  const isBare = pathname === '/' && search === '' && hash === '' && username === '' && password === ''
  return isBare && (protocol === 'http:' || protocol === 'https:')
}
