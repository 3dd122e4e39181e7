import { randomUUID } from 'node:crypto'
import { TOMBSTONE_MS } from '../core/attempt/attempt'
import { createAudit } from '../core/audit'
import { FullError } from '../core/rate-limit/limits'
import { auditEnded } from '../core/session/sessions'
import type { Store } from '../core/store'
import type { ObservedName, StoreFailureKind } from '../metrics/names'
import type { Reading } from '../metrics/recorder'
import { SharedClock } from '../stores/redis/client/clock'
import { HttpRedis } from '../stores/redis/client/http'
import { RedisFailure } from '../stores/redis/client/redis'
import { TcpRedis } from '../stores/redis/client/tcp'
import { RedisStore } from '../stores/redis/store'
import { sqliteFailureKind } from '../stores/sqlite/failure'
import { type FolderLock, lockFolder } from '../stores/sqlite/lock'
import { SqliteStore } from '../stores/sqlite/store'
import { type Clock, SteadyClock } from './clock'
import type { Config } from './config'
import type { Log } from './log'

const SWEEP_EVERY_MS = 30_000
const STORE_WARNING_EVERY_MS = 1_000
const SWEEP_ROWS = 500
const LOCK_EVERY_MS = 1_000

/**
 * Classifies an error of the store; null for any other error. The response to an error of the store
 * is 503.
 */
export function storeFailureKind(error: unknown): StoreFailureKind | null {
  if (error instanceof FullError) return 'no_room'
  if (error instanceof RedisFailure) return error.kind
  return sqliteFailureKind(error)
}

export interface OpenStore {
  store: Store
  /**
   * The clock that decides (epoch ms): all processes on one store have the same, and it does not
   * jump.
   */
  now: () => number
  /** The clock that other parties' times are compared with (epoch ms). */
  wall: () => number
  /** In ms, from any origin: for differences. */
  monotonicMs: () => number
  /** What the parts in here have to show. */
  readings: Partial<Record<ObservedName, Reading>>
  /** Resolves when the store can be written, and the clock is right. */
  ping: () => Promise<void>
  closeStore: () => Promise<void> | void
}

interface OpenStoreOptions {
  log: Log
  /** The one clock for all, for tests; null: the machine's clocks. */
  local: (() => number) | null
  /** Wraps the opened store with metrics. */
  measure: (store: Store) => Store
  /** Called when another process could get the data folder: this one has to end. */
  onLost: () => void
}

type Opening = Pick<OpenStoreOptions, 'log' | 'measure'> & { clock: Clock }

/**
 * Opens the store that the settings name.
 * @throws StartError for a data folder or a database that cannot be used.
 */
export function openStore(config: Config, { log, local, measure, onLost }: OpenStoreOptions): OpenStore {
  const clock = openClock(local, log)
  return config.store.kind === 'sqlite'
    ? openEmbedded(config, { log, clock, measure, onLost })
    : openShared(config, config.store, { log, clock, measure })
}

/** A store that its creator opened, and closes. It is swept until then. */
export function adoptStore(store: Store, { log, local }: Pick<OpenStoreOptions, 'log' | 'local'>): OpenStore {
  const clock = openClock(local, log)
  const { now, wall, monotonicMs } = clock
  const stopSweeping = startSweeping(store, now, log)
  const closeStore = () => {
    stopSweeping()
    clock.stop()
  }
  return { store, now, wall, monotonicMs, readings: {}, ping: async () => store.ping(), closeStore }
}

/** A test's own clock is never set by another party. */
function openClock(local: (() => number) | null, log: Log): Clock {
  if (local !== null) return { now: local, wall: local, monotonicMs: local, offsetMs: 0, steps: 0, stop: () => {} }
  return new SteadyClock({
    onStep: (offsetMs) =>
      log.warn({ offsetMs }, 'the clock of this machine was set: lifetimes go by the time since the start'),
  })
}

type SharedSettings = Exclude<Config['store'], { kind: 'sqlite' }>

function openShared(
  { lifetimes, secrets }: Config,
  settings: SharedSettings,
  { log, clock, measure }: Opening,
): OpenStore {
  const monotonic = () => performance.now()
  // Thousands of requests fail at once with the same error.
  let quietUntil = Number.NEGATIVE_INFINITY
  const onError = (error: unknown) => {
    if (monotonic() < quietUntil) return
    quietUntil = monotonic() + STORE_WARNING_EVERY_MS
    log.warn({ err: error }, 'the store is away')
  }
  const redis =
    settings.kind === 'redis'
      ? new TcpRedis({ ...settings, now: monotonic, onError })
      : new HttpRedis({ ...settings, now: monotonic, onError })
  const { prefix } = settings
  const { attemptMs, confirmMs, ticketMs } = lifetimes
  const attemptLifeMs = attemptMs + confirmMs + ticketMs + TOMBSTONE_MS
  const shared: SharedClock = new SharedClock(clock.now(), {
    readTime: () => opened.readTime(),
    monotonicMs: clock.monotonicMs,
    onStep: (differenceMs) => log.warn({ differenceMs }, 'the clock of the store was set, and is followed'),
  })
  const { now } = shared
  const audit = createAudit(log, secrets[0])
  const opened = new RedisStore({
    redis,
    prefix,
    process: randomUUID(),
    now,
    clock: { isSynced: () => shared.isSynced, monotonicMs: clock.monotonicMs, onTime: shared.notice },
    onError,
    onEnded: (ended) => auditEnded(audit, ended),
    attemptLifeMs,
  })
  const store = measure(opened)
  void shared.sync()
  const closeStore = () => {
    shared.stop()
    clock.stop()
    return store.close()
  }
  const ping = async () => {
    await Promise.all([store.ping(), shared.check()])
  }
  const readings = {
    clock_offset_seconds: () => (clock.wall() - shared.now()) / 1_000,
    clock_steps_total: () => clock.steps + shared.steps,
    breaker_open: () => Number(redis.isBreakerOpen),
  }
  return { store, now, wall: now, monotonicMs: clock.monotonicMs, readings, ping, closeStore }
}

function openEmbedded(
  { dataDir, sessionLifetimes }: Config,
  { log, clock, measure, onLost }: Opening & Pick<OpenStoreOptions, 'onLost'>,
): OpenStore {
  const { now, wall, monotonicMs } = clock
  const lock = lockFolder(dataDir, new Date(wall()))
  const { computerIdleMs: computer, phoneIdleMs: phone } = sessionLifetimes
  const onError = (error: unknown) => log.error({ err: error }, 'watcher failed')
  let opened: SqliteStore
  try {
    opened = new SqliteStore(dataDir, onError, { idle: { computer, phone } })
  } catch (error) {
    lock.release()
    throw error
  }
  const store = measure(opened)
  const stopSweeping = startSweeping(store, now, log)
  const watch = setInterval(() => {
    if (isHeld(lock)) return
    clearInterval(watch)
    log.fatal({ dataDir }, 'the lock of the data folder was deleted or replaced: another process could get it')
    onLost()
  }, LOCK_EVERY_MS)
  watch.unref()
  const closeStore = () => {
    stopSweeping()
    clearInterval(watch)
    clock.stop()
    opened.close()
    lock.release()
  }
  const ping = async () => {
    lock.check()
    await store.ping()
  }
  const readings = {
    clock_offset_seconds: () => clock.offsetMs / 1_000,
    clock_steps_total: () => clock.steps,
    data_dir_lock_held: () => Number(isHeld(lock)),
  }
  return { store, now, wall, monotonicMs, readings, ping, closeStore }
}

function isHeld(lock: FolderLock): boolean {
  try {
    lock.check()
    return true
  } catch {
    return false
  }
}

/**
 * Sweeps at intervals: a bounded number of rows at a time, with room for requests in between, until
 * nothing expired is left. Returns the function that stops it.
 */
function startSweeping(store: Store, now: () => number, log: Log): () => void {
  let isStopped = false
  const sweep = async () => {
    if (isStopped) return
    try {
      if ((await store.sweep(now(), SWEEP_ROWS)) >= SWEEP_ROWS) setImmediate(sweep)
    } catch (error) {
      log.error({ err: error }, 'sweep failed')
    }
  }
  const interval = setInterval(sweep, SWEEP_EVERY_MS)
  interval.unref()
  return () => {
    isStopped = true
    clearInterval(interval)
  }
}
