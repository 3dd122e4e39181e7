import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import type { OidcSettings } from '../accounts/oidc'
import type { RelyingParty } from '../accounts/passkeys'
import type { VerifyUrlSettings } from '../accounts/verify-url'
import type { WebhookSettings } from '../apps/outbox/webhooks'
import type { BearerSettings } from '../auth/bearer'
import type { Lifetimes } from '../core/attempt/attempt'
import type { ConfirmPolicy } from '../core/attempt/confirm-policy'
import type { MatchPolicy } from '../core/attempt/risk'
import type { SessionLifetimes } from '../core/session/session'
import { ConfigError, folderError, StartError } from '../core/start-error'
import { AddressList } from '../http/address'
import {
  bearerProblems,
  oidcProblems,
  passkeyProblems,
  toBearer,
  toOidc,
  toRelyingParty,
  toVerifyUrl,
  toWebhook,
  verifyProblems,
  webhookProblems,
} from './account-settings'
import { appHostProblems, toAppHosts } from './app-host-settings'
import type { LogLevel } from './log'
import { SECRET_CHARS, type Settings, settings } from './settings'

export interface Config {
  publicOrigin: string
  /**
   * The origins whose pages may change state: the public one, and in local mode this machine's
   * other names.
   */
  ownOrigins: ReadonlySet<string>
  /**
   * Development, test and demo: nothing has to be configured, and a real phone on the same network
   * works.
   */
  isLocal: boolean
  /** The first signs, all verify. */
  secrets: Secrets
  port: number
  dataDir: string
  /**
   * Where attempts and sessions live: in a file of this machine, or in a Redis that several
   * processes share.
   */
  store: StoreSettings
  demoAccounts: boolean
  /** The team's OpenID provider, for phones. Null: there is none. */
  oidc: OidcSettings | null
  /** The endpoint of the team that verifies name and password. Null: there is none. */
  verifyUrl: VerifyUrlSettings | null
  /** The endpoint that says who is signed in at the team's own site. Null: there is none. */
  sessionUrl: string | null
  /** The path of the file of the apps that people sign in to. Null: there are none. */
  clientsFile: string | null
  /** The endpoint of the team that is told of events. Null: there is none, and none is stored. */
  webhook: WebhookSettings | null
  /** The hosts of the apps behind forward auth, as `URL` gives them. Null: there are none. */
  forwardAuthHosts: readonly string[] | null
  /** The site that passkeys belong to. Null: there are no passkeys. */
  relyingParty: RelyingParty | null
  confirmPolicy: ConfirmPolicy
  /** Null: bearer tokens are refused. */
  bearer: BearerSettings | null
  /** Each is accepted. Null: their requests need no signature. */
  signingSecrets: Secrets | null
  ipAllowlist: AddressList | null
  trustedProxies: AddressList
  /** Addresses that are not public, and that this server may still send requests to. */
  outboundAllow: AddressList
  matchPolicy: MatchPolicy
  singleComputer: boolean
  /** Computers that one person is signed in on at most. */
  maxComputers: number
  lifetimes: Lifetimes
  sessionLifetimes: SessionLifetimes
  rateLimitScale: number
  /**
   * The header that a trusted proxy names the client's city in, in lower case; null: none is
   * trusted.
   */
  placeHeader: string | null
  /** The path of an MMDB file, or null. */
  geoDatabase: string | null
  maxStreams: number
  logLevel: LogLevel
  /** Each opens `/api/metrics`. Null: nothing is measured, and there is nothing under that path. */
  metricsTokens: Secrets | null
}

type Secrets = readonly [string, ...string[]]

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

/**
 * Settings from the environment; an empty value is the same as none. Pure, but for what `machine`
 * does.
 * @throws ConfigError that names every wrong or missing setting at once.
 */
export function parseConfig(env: Record<string, string | undefined>, machine: Machine): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const result = settings.safeParse(given)
  const isLocal = isLocalMode(env.NODE_ENV) || given.DEMO === 'true' || given.DEMO === '1'
  const rows = result.success ? [] : result.error.issues.map(toRow)
  if (!isLocal && given.PUBLIC_ORIGIN === undefined) {
    rows.push({ name: 'PUBLIC_ORIGIN', problem: 'required in production: the origin that people open' })
  }
  if (!isLocal && given.SESSION_SECRET === undefined) {
    rows.push({ name: 'SESSION_SECRET', problem: `required in production: at least ${SECRET_CHARS} random characters` })
  }
  rows.push(
    ...oidcProblems(given),
    ...verifyProblems(given),
    ...webhookProblems(given),
    ...bearerProblems(given),
    ...storeProblems(given),
  )
  const port = result.data?.PORT ?? 3000
  const publicOrigin = result.data?.PUBLIC_ORIGIN ?? `http://${machine.lanAddress ?? 'localhost'}:${port}`
  const localNames = ['localhost', '127.0.0.1', '[::1]'].map((name) => `http://${name}:${port}`)
  const origins = isLocal && given.PUBLIC_ORIGIN === undefined ? [publicOrigin, ...localNames] : [publicOrigin]
  // Where phones have to use passkeys, they work at the origin that phones open.
  const passkeyOrigins = (result.data?.CONFIRM_POLICY ?? 'tap') === 'tap' ? origins : [publicOrigin]
  rows.push(...passkeyProblems(given, passkeyOrigins))
  if (result.success) rows.push(...appHostProblems(result.data, origins, isLocal))
  if (!result.success || rows.length > 0) throw new ConfigError(rows)
  const data = result.data
  return {
    publicOrigin,
    ownOrigins: new Set(origins),
    isLocal,
    secrets: data.SESSION_SECRET ?? [machine.loadSecret(data.DATA_DIR)],
    port: data.PORT,
    dataDir: data.DATA_DIR,
    store: toStore(data),
    demoAccounts: data.DEMO_ACCOUNTS ?? isLocal,
    oidc: toOidc(data),
    verifyUrl: toVerifyUrl(data),
    sessionUrl: data.ACCOUNTS_SESSION_URL ?? null,
    clientsFile: data.CLIENTS_FILE ?? null,
    webhook: toWebhook(data),
    forwardAuthHosts: toAppHosts(data.FORWARD_AUTH_HOSTS, publicOrigin),
    relyingParty: toRelyingParty(data.PASSKEYS, passkeyOrigins),
    confirmPolicy: data.CONFIRM_POLICY,
    bearer: toBearer(data),
    signingSecrets: data.API_SIGNING_SECRET ?? null,
    ipAllowlist: data.IP_ALLOWLIST ?? null,
    trustedProxies: data.TRUSTED_PROXIES ?? new AddressList([]),
    outboundAllow: data.OUTBOUND_ALLOW ?? new AddressList([]),
    matchPolicy: data.MATCH_POLICY,
    singleComputer: data.SINGLE_COMPUTER,
    maxComputers: data.MAX_COMPUTERS,
    lifetimes: {
      attemptMs: data.ATTEMPT_TTL_S,
      codePeriodMs: data.CODE_PERIOD_S,
      confirmMs: data.CONFIRM_TTL_S,
      ticketMs: data.TICKET_TTL_S,
      confirmMinMs: data.CONFIRM_MIN_MS,
    },
    sessionLifetimes: {
      computerMs: data.SESSION_TTL_S,
      computerIdleMs: data.SESSION_IDLE_TTL_S,
      phoneIdleMs: data.PHONE_IDLE_TTL_S,
    },
    rateLimitScale: data.RATE_LIMIT_SCALE,
    placeHeader: data.PLACE_HEADER ?? null,
    geoDatabase: data.GEOIP_DB ?? null,
    maxStreams: data.MAX_STREAMS,
    logLevel: data.LOG_LEVEL,
    metricsTokens: data.METRICS_TOKEN ?? null,
  }
}

/**
 * The modes that need no settings and have the demo accounts. Every other one, and none, is
 * production.
 */
function isLocalMode(mode: string | undefined): boolean {
  return mode === 'development' || mode === 'test'
}

/**
 * Settings as text, by default those of this process; in local mode what is missing is taken from
 * this machine.
 * @throws ConfigError that names every wrong or missing setting at once; StartError for a data
 * folder of no use.
 */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  return parseConfig(env, { lanAddress: findLanAddress(networkInterfaces()), loadSecret })
}

/**
 * The address under which a phone on the same network reaches this machine, or null. Virtual
 * networks come last.
 */
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

/**
 * Created once and kept in the data folder, so that a restart signs no device out. Local mode only.
 * @throws StartError where the folder or the file is of no use.
 */
function loadSecret(dataDir: string): string {
  const file = join(dataDir, 'session-secret')
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    if (!existsSync(file)) writeNew(file, randomBytes(32).toString('base64url'))
    const secret = readFileSync(file, 'utf8')
    if (secret.length >= SECRET_CHARS) return secret
  } catch (error) {
    throw folderError(dataDir, file, error)
  }
  throw new StartError(
    'The secret of local mode is of no use:',
    [{ name: file, problem: 'holds no secret' }],
    ['Remove the file, and a new secret is made. Devices that are signed in have to sign in again.'],
  )
}

/** Where another process was faster, its file stays. */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
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

function toStore(data: Settings): StoreSettings {
  const { REDIS_URL, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, REDIS_PREFIX: prefix } = data
  if (REDIS_URL !== undefined) return { kind: 'redis', url: REDIS_URL, prefix }
  if (url === undefined || token === undefined) return { kind: 'sqlite' }
  return { kind: 'upstash', url: url.replace(/\/$/, ''), token, prefix }
}

function toRow({ path, message }: z.core.$ZodIssue): { name: string; problem: string } {
  return { name: String(path[0]), problem: `expected: ${message}` }
}
