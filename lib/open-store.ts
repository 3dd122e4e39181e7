import { randomUUID } from 'node:crypto'
import { TOMBSTONE_MS } from './attempt/attempt'
import { createAudit } from './audit'
import type { Config } from './config'
import { FullError } from './limits/limits'
import type { Log } from './log'
import { SharedClock } from './redis/clock'
import { HttpRedis } from './redis/http'
import { RedisFailure } from './redis/redis'
import { TcpRedis } from './redis/tcp'
import { auditEnded } from './services/sessions'
import { isSqliteFailure } from './sqlite/open'
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
export function storeFailureKind(error: unknown): string | null {
  if (error instanceof FullError) return 'no_room'
  if (error instanceof RedisFailure) return error.kind
  return isSqliteFailure(error) ? 'sqlite' : null
}

interface OpenStore {
  store: Store
  /** The clock that decides: all processes on one store have the same. */
  now: () => number
  /** Resolves when the store answers, and the clock is right. */
  ping: () => Promise<void>
  closeStore: () => void
}

/** Opens the store that the settings name. */
export function openStore(config: Config, log: Log, local: () => number): OpenStore {
  if (config.store.kind === 'sqlite') {
    const store = new SqliteStore(config.dataDir, (error) => log.error({ err: error }, 'watcher failed'))
    const sweeper = setInterval(() => sweep(store, local, log), SWEEP_EVERY_MS)
    sweeper.unref()
    const closeStore = () => {
      clearInterval(sweeper)
      store.close()
    }
    return { store, now: local, ping: async () => store.ping(), closeStore }
  }
  const monotonic = () => performance.now()
  // Thousands notice at the same moment, and say the same.
  let quietUntil = 0
  const onError = (error: unknown) => {
    if (monotonic() < quietUntil) return
    quietUntil = monotonic() + STORE_WARNING_EVERY_MS
    log.warn({ err: error }, 'the store is away')
  }
  const redis =
    config.store.kind === 'redis'
      ? new TcpRedis({ ...config.store, now: monotonic, onError })
      : new HttpRedis({ ...config.store, now: monotonic, onError })
  // Before the first answer it goes by its own.
  let now = local
  const { prefix } = config.store
  const { attemptMs, confirmMs, ticketMs } = config.lifetimes
  const attemptLifeMs = attemptMs + confirmMs + ticketMs + TOMBSTONE_MS
  const audit = createAudit(log, config.secrets[0])
  const store = new RedisStore({
    redis,
    prefix,
    process: randomUUID(),
    now: () => now(),
    onError,
    onEnded: (ended) => auditEnded(audit, ended),
    attemptLifeMs,
  })
  const clock = new SharedClock(() => store.readTime(), local)
  now = clock.now
  const closeStore = () => {
    clock.stop()
    void store.close()
  }
  const ping = async () => {
    await store.ping()
    await clock.check()
  }
  return { store, now: clock.now, ping, closeStore }
}

/** A bounded number of rows at a time, with room for requests in between, until all that is over is forgotten. */
function sweep(store: SqliteStore, now: () => number, log: Log): void {
  try {
    if (store.sweep(now(), SWEEP_ROWS) >= SWEEP_ROWS) setImmediate(sweep, store, now, log)
  } catch (error) {
    log.error({ err: error }, 'sweep failed')
  }
}
