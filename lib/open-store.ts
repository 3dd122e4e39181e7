import { randomUUID } from 'node:crypto'
import { TOMBSTONE_MS } from './attempt/attempt'
import { createAudit } from './audit'
import { type Clock, SteadyClock } from './clock'
import type { Config } from './config'
import { FullError } from './limits/limits'
import type { Log } from './log'
import type { ObservedName, StoreFailureKind } from './metrics/names'
import type { Reading } from './metrics/recorder'
import { SharedClock } from './redis/clock'
import { HttpRedis } from './redis/http'
import { RedisFailure } from './redis/redis'
import { TcpRedis } from './redis/tcp'
import { auditEnded } from './services/sessions'
import { sqliteFailureKind } from './sqlite/failure'
import { type FolderLock, lockFolder } from './sqlite/lock'
import { RedisStore } from './store/redis'
import { SqliteStore } from './store/sqlite'
import type { Store } from './store/store'

const SWEEP_EVERY_MS = 30_000
const STORE_WARNING_EVERY_MS = 1_000
const SWEEP_ROWS = 500

/**
 * What kept the store from its part, as one of a few words; null for an error that is not the store's. The answer to
 * such an error is 503.
 */
export function storeFailureKind(error: unknown): StoreFailureKind | null {
  if (error instanceof FullError) return 'no_room'
  if (error instanceof RedisFailure) return error.kind
  return sqliteFailureKind(error)
}

interface OpenStore {
  store: Store
  /** The clock that decides (epoch ms): all processes on one store have the same, and it does not jump. */
  now: () => number
  /** The clock that other parties' times are compared with (epoch ms). */
  wall: () => number
  /** In ms, from any origin: for differences. */
  monotonicMs: () => number
  /** What the parts in here have to show. */
  readings: Partial<Record<ObservedName, Reading>>
  /** Resolves when the store can be written, and the clock is right. */
  ping: () => Promise<void>
  closeStore: () => void
}

/**
 * Opens the store that the settings name. `local`: the one clock for all, for tests; null: the machine's clocks.
 * @throws StartError for a data folder or a database that cannot be used.
 */
export function openStore(config: Config, log: Log, local: (() => number) | null): OpenStore {
  const clock = openClock(local, log)
  return config.store.kind === 'sqlite'
    ? openEmbedded(config, log, clock)
    : openShared(config, config.store, log, clock)
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

function openShared({ lifetimes, secrets }: Config, settings: SharedSettings, log: Log, clock: Clock): OpenStore {
  const monotonic = () => performance.now()
  // Thousands notice at the same moment, and say the same.
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
    readTime: () => store.readTime(),
    monotonicMs: clock.monotonicMs,
    onStep: (differenceMs) => log.warn({ differenceMs }, 'the clock of the store was set, and is followed'),
  })
  const { now } = shared
  const audit = createAudit(log, secrets[0])
  const store = new RedisStore({
    redis,
    prefix,
    process: randomUUID(),
    now,
    clock: { isRight: () => shared.isRight, monotonicMs: clock.monotonicMs, onTime: shared.notice },
    onError,
    onEnded: (ended) => auditEnded(audit, ended),
    attemptLifeMs,
  })
  void shared.sync()
  const closeStore = () => {
    shared.stop()
    clock.stop()
    void store.close()
  }
  const ping = async () => {
    await store.ping()
    await shared.check()
  }
  const readings = {
    clock_offset_seconds: () => clock.offsetMs / 1_000,
    clock_steps_total: () => clock.steps + shared.steps,
    breaker_open: () => Number(redis.isBreakerOpen),
  }
  return { store, now, wall: now, monotonicMs: clock.monotonicMs, readings, ping, closeStore }
}

function openEmbedded({ dataDir, sessionLifetimes }: Config, log: Log, clock: Clock): OpenStore {
  const { now, wall, monotonicMs } = clock
  const lock = lockFolder(dataDir, new Date(wall()))
  const { computerIdleMs: computer, phoneIdleMs: phone } = sessionLifetimes
  const onError = (error: unknown) => log.error({ err: error }, 'watcher failed')
  let store: SqliteStore
  try {
    store = new SqliteStore(dataDir, onError, { idle: { computer, phone } })
  } catch (error) {
    lock.release()
    throw error
  }
  const sweeper = setInterval(() => sweep(store, now, log), SWEEP_EVERY_MS)
  sweeper.unref()
  const closeStore = () => {
    clearInterval(sweeper)
    clock.stop()
    store.close()
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

/** A bounded number of rows at a time, with room for requests in between, until all that is over is forgotten. */
function sweep(store: SqliteStore, now: () => number, log: Log): void {
  try {
    if (store.sweep(now(), SWEEP_ROWS) >= SWEEP_ROWS) setImmediate(sweep, store, now, log)
  } catch (error) {
    log.error({ err: error }, 'sweep failed')
  }
}
