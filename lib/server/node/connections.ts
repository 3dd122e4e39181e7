import { readdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Log } from '../log'

/**
 * Descriptors for what opens files while it serves: the store, pages of the build, connections to
 * others.
 */
const SPARE_DESCRIPTORS = 24

const LOG_EVERY_MS = 1_000

interface ConnectionsOptions {
  log: Log
  /** How many connections fit at once; null: not bounded. */
  max: number | null
  /** Monotonic, in ms. */
  now: () => number
}

/**
 * Connections of the HTTP server. Where descriptors run out, the system's accept fails and libuv
 * closes the new connection without a word, and the store cannot open a file either. So connections
 * are bounded below that, and those beyond the bound are counted and logged.
 */
export class Connections {
  readonly #options: ConnectionsOptions
  #server: Server | null = null
  #dropped = 0
  #unreported = 0
  #quietUntil = Number.NEGATIVE_INFINITY

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** The bound; null where there is none. */
  get max(): number | null {
    return this.#options.max
  }

  /** How many were closed because there was no room for them. */
  get dropped(): number {
    return this.#dropped
  }

  /** How many are open now. */
  countOpen(): Promise<number> {
    const server = this.#server
    if (server === null) return Promise.resolve(0)
    return new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  }

  /** Bounds `server`. */
  watch(server: Server): void {
    this.#server = server
    if (this.#options.max !== null) server.maxConnections = this.#options.max
    server.on('drop', () => this.#drop())
  }

  /** Logs at most once a second, with how many were dropped since the last line. */
  #drop(): void {
    const { log, max, now } = this.#options
    this.#dropped += 1
    this.#unreported += 1
    const time = now()
    if (time < this.#quietUntil) return
    this.#quietUntil = time + LOG_EVERY_MS
    const facts = { dropped: this.#unreported, maxConnections: max }
    log.warn(facts, 'connections dropped: the process may open no more files (LimitNOFILE, ulimit -n)')
    this.#unreported = 0
  }
}

/**
 * How many connections this process has room for: what it may open (RLIMIT_NOFILE) without what it
 * has open now and a reserve. Null where that cannot be read (not Linux) or there is no limit.
 */
export function findConnectionLimit(): number | null {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (limit === undefined) return null
    const used = readdirSync('/proc/self/fd').length
    return Math.max(1, Number(limit) - used - SPARE_DESCRIPTORS)
  } catch {
    return null
  }
}
