import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { version } from '../../package.json'
import { REDEEM_TRIES } from '../core/attempt/attempt'
import { deriveKey, deriveKeyring, keyIdOf } from '../core/keys'
import { createAudit } from '../core/audit'
import { BearerTokens } from '../auth/bearer'
import { Cookies } from '../auth/cookies'
import { Signatures } from '../auth/signature'
import { type Config, loadConfig } from './config'
import { createNetworkFinder } from '../http/client-network'
import { type FindCity, openGeoDatabase } from '../http/geo-database'
import { baseHeaders } from '../http/headers'
import { ERROR_CODES } from '../http/problem'
import { Refusals } from '../http/refusals'
import { createLog } from './log'
import { Metrics } from '../metrics/metrics'
import type { ObservedName } from '../metrics/names'
import { NO_RECORDER, type Recorder } from '../metrics/recorder'
import { openStore, storeFailureKind } from './open-store'
import { createReadiness } from './readiness'
import { AccountStreams } from '../realtime/account-streams'
import { Arrivals } from '../http/admission-control'
import { AttemptStreams } from '../realtime/attempt-streams'
import { Attempts } from '../core/attempt/attempts'
import { Limiter, type LimitKey } from '../core/rate-limit/limiter'
import { Sessions } from '../core/session/sessions'
import { Deadlines } from '../realtime/timer-wheel'
import { Streams } from '../realtime/streams'
import { ConfigError } from '../core/start-error'

const STREAMS_PER_ADDRESS = 30

export type Services = ReturnType<typeof createServices>

/** Builds everything that lives as long as the process. The only reader of clocks and of chance. */
export function createServices(
  config: Config,
  /** The one clock for all (epoch ms), for tests; null: the machine's clocks. */
  local: (() => number) | null = null,
  /** How long the event loop has been at work, in ms. */
  activeMs: () => number = () => performance.eventLoopUtilization().active,
) {
  const log = createLog(config.logLevel)
  const findCity = config.geoDatabase === null ? null : openPlaces(config.geoDatabase)
  const keys = deriveKeyring(config.secrets)
  const perAddress = Math.max(1, Math.floor(STREAMS_PER_ADDRESS * config.rateLimitScale))
  const streams = new Streams({ perAddress, inAll: config.maxStreams }, Math.random)
  const metrics = config.metricsTokens === null ? null : createMetrics(streams)
  const recorder: Recorder = metrics ?? NO_RECORDER
  const { store, now, wall, monotonicMs, readings, ping, closeStore } = openStore(config, {
    log,
    local,
    measure: (opened) => recorder.measureStore(opened),
    onLost: () => process.kill(process.pid, 'SIGTERM'),
  })
  const deadlines = new Deadlines(now, monotonicMs)
  const audit = recorder.countRefusals(createAudit(log, config.secrets[0]))
  const { lifetimes, sessionLifetimes, publicOrigin, matchPolicy, singleComputer, maxComputers, signingSecrets } =
    config
  const sessions = new Sessions({
    store,
    audit,
    lifetimes: sessionLifetimes,
    singleComputer,
    maxComputers,
    now,
    randomBytes,
  })
  const accountStreams = new AccountStreams({
    store,
    sessions,
    sessionLifetimes,
    keys,
    deadlines,
    now,
    onError: (error) => log.error({ err: error }, 'stream failed'),
  })
  const attempts = new Attempts({
    store,
    audit,
    recorder,
    keys,
    lifetimes,
    publicOrigin,
    matchPolicy,
    redeemTries: Math.max(1, Math.floor(REDEEM_TRIES * config.rateLimitScale)),
    now,
    randomBytes,
  })
  const isStoreReady = createReadiness({ ping, log, now: () => performance.now() })
  let isDraining = false
  function becomeUnready(): void {
    isDraining = true
  }

  function drain(): void {
    becomeUnready()
    streams.drain()
  }

  recorder.observe('ready', async () => Number(!isDraining && (await isStoreReady())))
  recorder.observe('draining', () => Number(isDraining))
  recorder.observe('watched', () => store.watching)
  recorder.observe('streams_max', () => config.maxStreams)
  recorder.observe('log_lines_dropped_total', () => log.output.droppedLines)
  for (const [name, read] of Object.entries(readings)) recorder.observe(name as ObservedName, read)
  if (config.store.kind === 'sqlite') observeDisk(recorder, config.dataDir)

  return {
    config,
    log,
    audit,
    /** Of every answer. */
    headers: baseHeaders(publicOrigin),
    bearer:
      config.bearer === null
        ? null
        : new BearerTokens({
            ...config.bearer,
            now,
            wall,
            monotonicMs,
            onError: (error) => log.warn({ err: error }, 'a bearer token could not be judged'),
          }),
    signatures: signingSecrets === null ? null : new Signatures({ secrets: signingSecrets, limits: store, now, wall }),
    limiter: new Limiter({ limits: store, keys: limitKeys(config.secrets), scale: config.rateLimitScale, now }),
    refusals: new Refusals({ scale: config.rateLimitScale, now: () => performance.now() }),
    findCity,
    findNetwork: createNetworkFinder({ ...config, warn: (message) => log.warn(message) }),
    cookies: new Cookies({ secrets: config.secrets, secure: publicOrigin.startsWith('https:') }),
    attempts,
    arrivals: new Arrivals(() => performance.now(), activeMs),
    sessions,
    streams,
    attemptStreams: new AttemptStreams({
      store,
      keys,
      lifetimes,
      publicOrigin,
      deadlines,
      now,
      onExpired: () => recorder.recordExpiry(),
    }),
    /** How many attempts and accounts are watched in the store. */
    watching: () => store.watching,
    accountStreams,
    newBrowserSecret: () => randomBytes(32).toString('base64url'),
    storeFailureKind,
    /** Null without METRICS_TOKEN: nothing is measured. */
    metrics,
    recorder,
    /** Resolves with what keeps requests from being served, null when nothing does. */
    checkReady: async (): Promise<'store' | 'shutdown' | null> => {
      if (isDraining) return 'shutdown'
      return (await isStoreReady()) ? null : 'store'
    },
    /** `checkReady` says no from now on; everything else goes on. */
    becomeUnready,
    /** Stops being ready, says goodbye to every stream and answers every wait. Other requests still end by themselves. */
    drain,
    /** After that nothing works any more. */
    close: () => {
      drain()
      closeStore()
    },
  }
}

function createMetrics(streams: Streams): Metrics {
  return new Metrics({
    version,
    codes: ERROR_CODES,
    storeFailureKind,
    countStreams: (transport) => streams.count(transport),
    now: () => performance.now(),
  })
}

/** The file system that the embedded store grows on. */
function observeDisk(recorder: Recorder, folder: string): void {
  recorder.observe('disk_free_bytes', async () => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  })
  recorder.observe('disk_size_bytes', async () => {
    const { blocks, bsize } = await statfs(folder)
    return blocks * bsize
  })
}

function limitKeys([first, ...others]: Config['secrets']): [LimitKey, ...LimitKey[]] {
  const toKey = (secret: string): LimitKey => ({ id: keyIdOf(secret), key: deriveKey(secret, 'limits') })
  return [toKey(first), ...others.map(toKey)]
}

const KEY = Symbol.for('qr-login.services')
const holder = globalThis as { [KEY]?: Services }

/** The services of this process, built on first use. One for all of Next's module graphs. */
export function services(): Services {
  holder[KEY] ??= createServices(loadConfig())
  return holder[KEY]
}

/** Puts other services in the place of this process's own; null removes them. */
export function installServices(other: Services | null): void {
  if (other === null) delete holder[KEY]
  else holder[KEY] = other
}

function openPlaces(path: string): FindCity {
  try {
    return openGeoDatabase(path)
  } catch {
    throw new ConfigError([{ name: 'GEOIP_DB', problem: 'expected: the path of a readable MMDB file' }])
  }
}
