import { randomBytes as systemRandomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { Passkeys } from '../accounts/passkeys'
import { SiteSession } from '../accounts/site-session'
import type { ApiContext } from '../api/context'
import { findRoute } from '../api/routes'
import type { ClientRegistry } from '../apps/client-registry'
import { BearerTokens } from '../auth/bearer'
import { Cookies } from '../auth/cookies'
import { Signatures } from '../auth/signature'
import { REDEEM_TRIES } from '../core/attempt/attempt'
import { Attempts } from '../core/attempt/attempts'
import { createAudit } from '../core/audit'
import { deriveKeyring } from '../core/keys'
import { Limiter, limitKeysOf } from '../core/rate-limit/limiter'
import { Sessions } from '../core/session/sessions'
import type { Store } from '../core/store'
import { LOOPBACK } from '../http/address'
import { AdmissionControl } from '../http/admission-control'
import { createNetworkFinder } from '../http/client-network'
import { baseHeaders } from '../http/headers'
import { listNames } from '../http/host'
import { createOutboundFetch } from '../http/outbound'
import { withPeer } from '../http/peer'
import { findPlace } from '../http/place'
import { Refusals } from '../http/refusals'
import { handleRequest } from '../http/resource'
import type { ObservedName } from '../metrics/names'
import { NO_RECORDER, type Recorder } from '../metrics/recorder'
import { AccountStreams } from '../realtime/account-streams'
import { AttemptStreams } from '../realtime/attempt-streams'
import { ConnectionRegistry } from '../realtime/connections'
import { TimerWheel } from '../realtime/timer-wheel'
import { createOidc, createPasswordSource, listSources, NO_SOURCES, outboundFetch } from './account-sources'
import type { Config } from './config'
import { createLog, type ProcessLog } from './log'
import { createNodeHandler, type NodeHandler } from './node/node-handler'
import { createMetrics, observeDisk } from './observations'
import { openApps } from './open-apps'
import { openClients, openPlaces } from './open-files'
import { adoptStore, type OpenStore, openStore, storeFailureKind } from './open-store'
import { closeOutbox, createOutbox } from './outbox'
import { createReadiness } from './readiness'

const STREAMS_PER_ADDRESS = 30

export interface QrLoginOptions {
  /** Of `loadConfig`. */
  config: Config
  /**
   * Used, and swept, instead of the store that `config` names. Its creator closes it, after
   * `close`. Responses have the deadline of a shared store.
   */
  store?: Store
  /**
   * Whether an error is a failure of the store, which is answered with 503. Beside those known
   * here.
   */
  isStoreFailure?: (error: unknown) => boolean
  /**
   * Called when another process could have opened the data folder, because its lock was deleted. By
   * default the server drains.
   */
  onLockLost?: () => void
  /** The one clock for everything (epoch ms); without it, the clocks of this machine. */
  now?: () => number
  /** By default those of `node:crypto`. */
  randomBytes?: (size: number) => Buffer
  /** By default lines of JSON on stdout. */
  log?: ProcessLog
  /** How long the event loop has been active, in ms. */
  activeMs?: () => number
}

/** What handlers are given, and what the server around them needs. */
export interface Context extends ApiContext {
  config: Config
  log: ProcessLog
  recorder: Recorder
  /** The apps that people sign in to. Null: `CLIENTS_FILE` is not set. */
  clients: ClientRegistry | null
  /** How many attempts and accounts are watched in the store. */
  watching: () => number
}

export interface QrLogin {
  /** The parts that were built: for pages that are rendered beside the API. */
  readonly context: Context
  /**
   * Answers a request of the API; paths that the API does not have are 404. `address`: of the
   * client's socket. Without it the client is unknown: such clients share one rate limit, and have
   * to type the number.
   */
  handle(request: Request, client?: { address: string }): Promise<Response>
  /** Answers requests of the API on a `node:http` server; returns false for all others. */
  readonly nodeHandler: NodeHandler
  /** Readiness reports 503 from now on; everything else goes on. */
  becomeUnready(): void
  /**
   * Becomes unready, sends `bye` to every stream and answers every wait. Other requests end by
   * themselves.
   */
  drain(): void
  /**
   * Drains, ends deliveries within a second, and closes the store that was opened here. Every later
   * request gets 503, and so does a running request that still has to write.
   */
  close(): Promise<void>
}

/**
 * Builds a server of sign-ins: everything that lives as long as it does is created here and handed
 * down. Several can live in one process.
 * @throws StartError for a store or a file that cannot be used.
 */
export function createQrLogin(options: QrLoginOptions): QrLogin {
  const { config, randomBytes = systemRandomBytes, log = createLog(config.logLevel) } = options
  const { activeMs = () => performance.eventLoopUtilization().active } = options
  const monotonicNow = () => performance.now()
  const toFailureKind = (error: unknown) =>
    storeFailureKind(error) ?? (options.isStoreFailure?.(error) === true ? 'other' : null)
  const keys = deriveKeyring(config.secrets)
  const perAddress = Math.max(1, Math.floor(STREAMS_PER_ADDRESS * config.rateLimitScale))
  const connections = new ConnectionRegistry({ perAddress, inAll: config.maxStreams }, Math.random)
  const metrics = config.metricsTokens === null ? null : createMetrics(connections, toFailureKind)
  const recorder: Recorder = metrics ?? NO_RECORDER
  const findCity = config.geoDatabase === null ? null : openPlaces(config.geoDatabase)
  const clients = openClients(config, log)
  const onLockLost = () => (options.onLockLost ?? drain)()
  const { store, now, wall, monotonicMs, readings, ping, closeStore } = open(options, log, recorder, onLockLost)
  const timers = new TimerWheel(now, monotonicMs)
  const audit = recorder.countRefusals(createAudit(log, config.secrets[0]))
  const { lifetimes, sessionLifetimes, publicOrigin, rateLimitScale: scale } = config
  const sessions = new Sessions({ ...config, store, audit, lifetimes: sessionLifetimes, now, randomBytes })
  const limiter = new Limiter({ limits: store, keys: limitKeysOf(config.secrets), scale, now })
  const sources = listSources(config)
  const hasOthers = config.bearer !== null || sources.some(({ kind }) => kind !== 'passkey')
  if (!hasOthers) log.warn(NO_SOURCES)
  const passkeys =
    config.relyingParty === null
      ? null
      : new Passkeys({
          store,
          audit,
          keys,
          relyingParty: config.relyingParty,
          isOnlySource: !hasOthers,
          now,
          randomBytes,
        })
  const attempts = new Attempts({
    ...config,
    verifier: passkeys,
    store,
    audit,
    limiter,
    onStep: (step, attempt) => recorder.recordStep(step, attempt),
    keys,
    redeemTries: Math.max(1, Math.floor(REDEEM_TRIES * scale)),
    now,
    randomBytes,
  })
  const parts = { registry: clients, store, sessions, attempts, limiter, audit, now, wall, randomBytes, keys, log }
  const { apps, forwardAuth, appSignIns, targets } = openApps(config, parts)
  const outbox = createOutbox(config, { store, log, recorder, others: targets, now, wall })
  const isStoreReady = createReadiness({ ping, log, now: monotonicNow })
  let isDraining = false
  let isClosed = false
  const becomeUnready = () => {
    isDraining = true
  }
  const cookies = new Cookies({ secrets: config.secrets, secure: publicOrigin.startsWith('https:') })

  const context: Context = {
    config,
    log,
    recorder,
    clients,
    apps,
    forwardAuth,
    appSignIns,
    keys,
    audit,
    headers: baseHeaders(publicOrigin),
    trustedProxies: config.trustedProxies,
    ...listNames(config.ownOrigins, config.forwardAuthHosts),
    isClosed: () => isClosed,
    ownOrigins: config.ownOrigins,
    ipAllowlist: config.ipAllowlist,
    isStoreShared: options.store !== undefined || config.store.kind !== 'sqlite',
    isStoreFailure: (error) => toFailureKind(error) !== null,
    logError: (error, facts) => log.error({ err: error, ...facts }, 'request failed'),
    bearer:
      config.bearer === null
        ? null
        : new BearerTokens({
            ...config.bearer,
            now,
            wall,
            monotonicMs,
            onError: (error) => log.warn({ err: error }, 'a bearer token could not be judged'),
            // An issuer on this machine needs neither TLS nor OUTBOUND_ALLOW.
            fetch: createOutboundFetch({
              allow: { has: (address) => LOOPBACK.has(address) || config.outboundAllow.has(address) },
            }),
          }),
    signatures:
      config.signingSecrets === null
        ? null
        : new Signatures({ secrets: config.signingSecrets, limits: store, now, wall }),
    limiter,
    refusals: new Refusals({ scale, now: monotonicNow }),
    findNetwork: createNetworkFinder({ ...config, warn: (message) => log.warn(message) }),
    findPlace: (headers, client) => findPlace(headers, client, { placeHeader: config.placeHeader, findCity }),
    oidc: config.oidc === null ? null : createOidc(config, config.oidc, log, monotonicNow),
    publicOrigin,
    attemptMs: lifetimes.attemptMs,
    now,
    hasDemoAccounts: config.demoAccounts,
    findPersonByPassword: createPasswordSource(config, wall),
    passkeys,
    sources,
    siteSession:
      config.sessionUrl === null ? null : new SiteSession({ url: config.sessionUrl, fetch: outboundFetch(config) }),
    cookies,
    resealCookies: cookies.isRotating ? cookies.reseal.bind(cookies) : null,
    attempts,
    admission: new AdmissionControl(monotonicNow, activeMs),
    sessions,
    connections,
    attemptStreams: new AttemptStreams({
      store,
      keys,
      lifetimes,
      publicOrigin,
      timers,
      now,
      onExpired: () => recorder.recordExpiry(),
    }),
    accountStreams: new AccountStreams({
      store,
      sessions,
      sessionLifetimes,
      keys,
      timers,
      now,
      onError: (error) => log.error({ err: error }, 'stream failed'),
    }),
    watching: () => store.watching,
    newBrowserSecret: () => randomBytes(32).toString('base64url'),
    metrics:
      metrics === null || config.metricsTokens === null
        ? null
        : { tokens: config.metricsTokens, contentType: metrics.contentType, toText: () => metrics.toText() },
    checkReady: async () => {
      if (isDraining) return 'shutdown'
      return (await isStoreReady()) ? null : 'store'
    },
  }

  const drain = () => {
    becomeUnready()
    outbox?.stop()
    connections.drain()
  }
  recorder.observe('ready', async () => Number(!isDraining && (await isStoreReady())))
  recorder.observe('draining', () => Number(isDraining))
  recorder.observe('watched', () => store.watching)
  recorder.observe('streams_max', () => config.maxStreams)
  recorder.observe('log_lines_dropped_total', () => log.output.droppedLines)
  for (const [name, read] of Object.entries(readings)) recorder.observe(name as ObservedName, read)
  if (options.store === undefined && config.store.kind === 'sqlite') observeDisk(recorder, config.dataDir)

  return {
    context,
    handle: async (request, client) => {
      const { pathname } = new URL(request.url)
      const { resource, params } = findRoute(pathname) ?? { resource: null, params: {} }
      const received = client === undefined ? request : withPeer(request, client.address)
      return await handleRequest(resource, received, params, context)
    },
    nodeHandler: createNodeHandler(context),
    becomeUnready,
    drain,
    close: async () => {
      drain()
      isClosed = true
      apps?.close()
      await closeOutbox(outbox, closeStore)
    },
  }
}

function open(
  { config, store, now }: QrLoginOptions,
  log: ProcessLog,
  recorder: Recorder,
  onLost: () => void,
): OpenStore {
  const measure = (opened: Store) => recorder.measureStore(opened)
  const local = now ?? null
  if (store !== undefined) return adoptStore(measure(store), { log, local })
  return openStore(config, { log, local, measure, onLost })
}
