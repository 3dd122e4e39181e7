import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Lifetimes } from './attempt/attempt'
import type { MatchPolicy } from './attempt/risk'
import type { BearerSettings } from './auth/bearer'
import { AddressList } from './http/address'
import { LOG_LEVELS, type LogLevel } from './log'
import type { SessionLifetimes } from './session/session'

export interface Config {
  publicOrigin: string
  /** The origins whose pages may change state: the public one, and in local mode this machine's other names. */
  ownOrigins: ReadonlySet<string>
  /** Development and demo: nothing has to be configured, and a real phone on the same network works. */
  isLocal: boolean
  /** Newest first: the first makes, all check. */
  secrets: readonly [string, ...string[]]
  port: number
  dataDir: string
  /** Where attempts and sessions live: in a file of this machine, or in a Redis that several processes share. */
  store: StoreSettings
  demoAccounts: boolean
  /** Null: native apps are not let in. */
  bearer: BearerSettings | null
  /** Null: their requests need no signature. */
  signingSecret: string | null
  ipAllowlist: AddressList | null
  trustedProxies: AddressList
  matchPolicy: MatchPolicy
  singleComputer: boolean
  lifetimes: Lifetimes
  sessionLifetimes: SessionLifetimes
  rateLimitScale: number
  /** The path of an MMDB file, or null. */
  geoDatabase: string | null
  maxStreams: number
  logLevel: LogLevel
}

type StoreSettings =
  | { kind: 'sqlite' }
  | { kind: 'redis'; url: string; prefix: string }
  | { kind: 'upstash'; url: string; token: string; prefix: string }

/** What the defaults of local mode are taken from. */
export interface Machine {
  /** This machine's address in the local network; null when it is in none. */
  lanAddress: string | null
  /** A secret that outlives a restart. */
  loadSecret: (dataDir: string) => string
}

/** The settings are wrong. `message` is a table for people. */
export class ConfigError extends Error {
  constructor(rows: { name: string; problem: string }[]) {
    const width = Math.max(...rows.map(({ name }) => name.length))
    const lines = rows.map(({ name, problem }) => `  ${name.padEnd(width)}  ${problem}`)
    super(['qr-login cannot start. These settings are wrong or missing:', ...lines].join('\n'))
    this.name = 'ConfigError'
  }
}

/** Settings of the protocol that this version does not read yet: better not to start than to seem to obey them. */
const NOT_YET = ['METRICS_TOKEN'] as const

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

const SECRET_CHARS = 32
const secrets = z
  .string()
  .transform(splitList)
  .refine((list) => list.length > 0 && list.every((secret) => secret.length >= SECRET_CHARS), {
    error: `at least ${SECRET_CHARS} characters; several are separated by commas, the newest first`,
  })
  .transform((list) => list as [string, ...string[]])

const origin = z
  .string()
  .refine(isOrigin, 'an origin such as https://login.example.com: http or https, no path')
  .transform((text) => new URL(text).origin)

const oneSecret = z
  .string()
  .refine((secret) => secret.length >= SECRET_CHARS, { error: `at least ${SECRET_CHARS} characters` })

const keySetUrl = z.string().refine(isKeySetUrl, 'an https address, or one of this machine')

const redisUrl = z.string().refine(isRedisUrl, 'an address such as redis://user:password@host:6379 or rediss://host')

const notYet = z.undefined('not supported by this version; unset it').optional()

const schema = z.object({
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
  PHONE_JWT_SECRET: oneSecret.optional(),
  PHONE_JWKS_URL: keySetUrl.optional(),
  PHONE_JWT_ISSUER: z.string().optional(),
  PHONE_JWT_AUDIENCE: z.string().optional(),
  API_SIGNING_SECRET: oneSecret.optional(),
  IP_ALLOWLIST: addresses.optional(),
  TRUSTED_PROXIES: addresses.optional(),
  MATCH_POLICY: z.enum(['risk', 'always', 'never'], 'risk, always or never').default('risk'),
  SINGLE_COMPUTER: flag.default(false),
  ATTEMPT_TTL_S: seconds.default(300_000),
  CODE_PERIOD_S: seconds.default(30_000),
  CONFIRM_TTL_S: seconds.default(120_000),
  TICKET_TTL_S: seconds.default(60_000),
  SESSION_TTL_S: seconds.default(604_800_000),
  SESSION_IDLE_TTL_S: seconds.default(86_400_000),
  RATE_LIMIT_SCALE: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'a number above 0')
    .transform(Number)
    .refine((value) => value > 0, 'a number above 0')
    .default(1),
  GEOIP_DB: z.string().optional(),
  MAX_STREAMS: count(1, 10_000_000).default(20_000),
  LOG_LEVEL: z.enum(LOG_LEVELS, LOG_LEVELS.join(', ')).default('info'),
  ...(Object.fromEntries(NOT_YET.map((name) => [name, notYet])) as Record<(typeof NOT_YET)[number], typeof notYet>),
})

/** Every setting that is read, by name. */
export const SETTINGS = Object.keys(schema.shape).filter((name) => !NOT_YET.some((later) => later === name))

/**
 * Settings from the environment; an empty value is the same as none. Pure, but for what `machine` does.
 * @throws ConfigError that names every wrong or missing setting at once.
 */
export function parseConfig(env: Record<string, string | undefined>, machine: Machine): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const result = schema.safeParse(given)
  const isLocal = env.NODE_ENV !== 'production' || given.DEMO === 'true' || given.DEMO === '1'
  const rows = result.success ? [] : result.error.issues.map(toRow)
  if (!isLocal && given.PUBLIC_ORIGIN === undefined) {
    rows.push({ name: 'PUBLIC_ORIGIN', problem: 'required in production: the origin that people open' })
  }
  if (!isLocal && given.SESSION_SECRET === undefined) {
    rows.push({ name: 'SESSION_SECRET', problem: `required in production: at least ${SECRET_CHARS} random characters` })
  }
  rows.push(...bearerProblems(given), ...storeProblems(given))
  if (!result.success || rows.length > 0) throw new ConfigError(rows)
  const data = result.data
  const publicOrigin = data.PUBLIC_ORIGIN ?? `http://${machine.lanAddress ?? 'localhost'}:${data.PORT}`
  const localNames = ['localhost', '127.0.0.1', '[::1]'].map((name) => `http://${name}:${data.PORT}`)
  const knowsLocalNames = isLocal && data.PUBLIC_ORIGIN === undefined
  return {
    publicOrigin,
    ownOrigins: new Set(knowsLocalNames ? [publicOrigin, ...localNames] : [publicOrigin]),
    isLocal,
    secrets: data.SESSION_SECRET ?? [machine.loadSecret(data.DATA_DIR)],
    port: data.PORT,
    dataDir: data.DATA_DIR,
    store: toStore(data),
    demoAccounts: data.DEMO_ACCOUNTS ?? isLocal,
    bearer: toBearer(data),
    signingSecret: data.API_SIGNING_SECRET ?? null,
    ipAllowlist: data.IP_ALLOWLIST ?? null,
    trustedProxies: data.TRUSTED_PROXIES ?? new AddressList([]),
    matchPolicy: data.MATCH_POLICY,
    singleComputer: data.SINGLE_COMPUTER,
    lifetimes: {
      attemptMs: data.ATTEMPT_TTL_S,
      codePeriodMs: data.CODE_PERIOD_S,
      confirmMs: data.CONFIRM_TTL_S,
      ticketMs: data.TICKET_TTL_S,
    },
    sessionLifetimes: { computerMs: data.SESSION_TTL_S, computerIdleMs: data.SESSION_IDLE_TTL_S },
    rateLimitScale: data.RATE_LIMIT_SCALE,
    geoDatabase: data.GEOIP_DB ?? null,
    maxStreams: data.MAX_STREAMS,
    logLevel: data.LOG_LEVEL,
  }
}

/** The settings of this process, read on first use: never while the app is being built. */
export function loadConfig(): Config {
  return parseConfig(process.env, { lanAddress: findLanAddress(networkInterfaces()), loadSecret })
}

/** The address under which a phone on the same network reaches this machine, or null. Virtual networks come last. */
export function findLanAddress(interfaces: ReturnType<typeof networkInterfaces>): string | null {
  const candidates = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => ({
        address,
        isVirtual: /^(docker|br-|veth|virbr|vmnet|utun|tun|tap|zt|tailscale)/.test(name),
      })),
  )
  return (candidates.find(({ isVirtual }) => !isVirtual) ?? candidates[0])?.address ?? null
}

/** Made once and kept in the data folder, so that a restart signs nobody out. Local mode only. */
function loadSecret(dataDir: string): string {
  const file = join(dataDir, 'session-secret')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const secret = readFileSync(file, 'utf8')
  if (secret.length < SECRET_CHARS) throw new Error(`${file} holds no secret; remove it and a new one is made`)
  return secret
}

/** What only the settings together can show. */
function bearerProblems(given: Record<string, string | undefined>): { name: string; problem: string }[] {
  const keys = ['PHONE_JWT_SECRET', 'PHONE_JWKS_URL'].filter((name) => given[name] !== undefined)
  const claims = ['PHONE_JWT_ISSUER', 'PHONE_JWT_AUDIENCE'].filter((name) => given[name] !== undefined)
  const needsKeys = claims.length > 0 || given.API_SIGNING_SECRET !== undefined
  const rows: { name: string; problem: string }[] = []
  if (keys.length > 1)
    rows.push({ name: 'PHONE_JWKS_URL', problem: 'cannot be set beside PHONE_JWT_SECRET: one kind of key' })
  if (keys.length === 0 && needsKeys) {
    rows.push({ name: 'PHONE_JWT_SECRET', problem: 'required, or PHONE_JWKS_URL: what bearer tokens are checked with' })
  }
  for (const name of ['PHONE_JWT_ISSUER', 'PHONE_JWT_AUDIENCE']) {
    if (keys.length > 0 && given[name] === undefined) {
      rows.push({ name, problem: `required with ${keys[0]}: what tokens have to say` })
    }
  }
  return rows
}

function toBearer(data: z.infer<typeof schema>): BearerSettings | null {
  const { PHONE_JWT_SECRET: secret, PHONE_JWKS_URL: url, PHONE_JWT_ISSUER: issuer, PHONE_JWT_AUDIENCE: audience } = data
  if (issuer === undefined || audience === undefined) return null
  if (secret !== undefined) return { key: { secret }, issuer, audience }
  return url === undefined ? null : { key: { keySetUrl: url }, issuer, audience }
}

function storeProblems(given: Record<string, string | undefined>): { name: string; problem: string }[] {
  const names = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'] as const
  const missing = names.filter((name) => given[name] === undefined)
  const isUpstash = missing.length < names.length
  if (isUpstash && given.REDIS_URL !== undefined) {
    return [{ name: 'REDIS_URL', problem: 'cannot be set beside UPSTASH_REDIS_REST_URL: one store' }]
  }
  return isUpstash ? missing.map((name) => ({ name, problem: 'required with the other UPSTASH setting' })) : []
}

function toStore(data: z.infer<typeof schema>): StoreSettings {
  const { REDIS_URL, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, REDIS_PREFIX: prefix } = data
  if (REDIS_URL !== undefined) return { kind: 'redis', url: REDIS_URL, prefix }
  if (url === undefined || token === undefined) return { kind: 'sqlite' }
  return { kind: 'upstash', url: url.replace(/\/$/, ''), token, prefix }
}

function toRow({ path, message }: z.core.$ZodIssue): { name: string; problem: string } {
  return { name: String(path[0]), problem: `expected: ${message}` }
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
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

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, pathname, search, hash, username, password } = new URL(text)
  const isBare = pathname === '/' && search === '' && hash === '' && username === '' && password === ''
  return isBare && (protocol === 'http:' || protocol === 'https:')
}
