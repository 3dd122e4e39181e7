import { FullError, type SqliteFile } from '../sqlite/open'
import type { Counter, Limits } from './limits'

/** To be put into the file before it is used here. */
export const LIMITS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS counters (
    key TEXT PRIMARY KEY, count INTEGER NOT NULL, ends_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS counters_ends_at ON counters (ends_at);
  CREATE TABLE IF NOT EXISTS used (key TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS used_ends_at ON used (ends_at);
`

interface Row {
  count: number
  ends_at: number
}

export interface SqliteLimitsOptions {
  /** Counters that are kept at most. Nobody gains by filling them: each costs a request, and long blocks are forgotten last. */
  maxCounters: number
  /** Used keys that are kept at most. Beyond it `takeOnce` throws: to forget one would be to allow it twice. */
  maxUsed: number
}

const DEFAULTS: SqliteLimitsOptions = { maxCounters: 100_000, maxUsed: 1_000_000 }

/** What is forgotten at once when there are too many counters, so that making room is rare. */
const EVICTED_AT_ONCE = 1_000

/** The embedded limits: two tables beside the store's, so that a restart frees nobody, and so that they can be counted within a write. */
export class SqliteLimits implements Limits {
  readonly #sql: ReturnType<typeof prepare>
  readonly #options: SqliteLimitsOptions
  readonly #take: (counters: readonly Counter[], now: number) => number
  #counters: number
  #used: number

  constructor(db: SqliteFile, options: SqliteLimitsOptions = DEFAULTS) {
    this.#options = options
    this.#sql = prepare(db)
    this.#take = db.transaction((counters: readonly Counter[], now: number) => {
      const waitMs = this.wait(counters, now)
      if (waitMs === 0) this.count(counters, now)
      return waitMs
    }).immediate
    this.#counters = (this.#sql.countCounters.get() as { n: number }).n
    this.#used = (this.#sql.countUsed.get() as { n: number }).n
  }

  take(counters: readonly Counter[], now: number): number {
    return this.#take(counters, now)
  }

  /** How long the last of the full ones is full, in ms; 0 when none is. Within a transaction of the caller's, as `count`. */
  wait(counters: readonly Counter[], now: number): number {
    const waits = counters.map(({ key, limit }) => {
      const row = this.#find(key)
      return row !== null && row.ends_at > now && row.count >= limit ? row.ends_at - now : 0
    })
    return Math.max(0, ...waits)
  }

  count(counters: readonly Counter[], now: number): void {
    for (const counter of counters) if (counter.counts) this.#count(counter, now)
  }

  takeOnce(key: string, until: number, now: number): boolean {
    if (this.#used >= this.#options.maxUsed) throw new FullError('used keys')
    const { changes } = this.#sql.use.run(key, until, now)
    this.#used += changes
    return changes > 0
  }

  /** Forgets what is over, at most `limit` rows of each kind. Returns how many it forgot. */
  sweep(now: number, limit: number): number {
    const counters = this.#sql.sweepCounters.run(now, limit).changes
    const used = this.#sql.sweepUsed.run(now, limit).changes
    this.#counters -= counters
    this.#used -= used
    return counters + used
  }

  #find(key: string): Row | null {
    return (this.#sql.find.get(key) as Row | undefined) ?? null
  }

  #count({ key, windowMs }: Counter, now: number): void {
    const row = this.#find(key)
    if (row !== null && row.ends_at > now) {
      this.#sql.add.run(key)
      return
    }
    if (row === null) this.#makeRoom()
    this.#sql.begin.run(key, now + windowMs)
    if (row === null) this.#counters += 1
  }

  #makeRoom(): void {
    if (this.#counters < this.#options.maxCounters) return
    this.#counters -= this.#sql.evict.run(EVICTED_AT_ONCE).changes
  }
}

function prepare(db: SqliteFile) {
  return {
    find: db.prepare('SELECT count, ends_at FROM counters WHERE key = ?'),
    add: db.prepare('UPDATE counters SET count = count + 1 WHERE key = ?'),
    begin: db.prepare('INSERT OR REPLACE INTO counters (key, count, ends_at) VALUES (?, 1, ?)'),
    evict: db.prepare('DELETE FROM counters WHERE key IN (SELECT key FROM counters ORDER BY ends_at LIMIT ?)'),
    use: db.prepare(
      `INSERT INTO used (key, ends_at) VALUES (?, ?)
       ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at WHERE ends_at <= ?`,
    ),
    sweepCounters: db.prepare(
      'DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE ends_at <= ? LIMIT ?)',
    ),
    sweepUsed: db.prepare('DELETE FROM used WHERE key IN (SELECT key FROM used WHERE ends_at <= ? LIMIT ?)'),
    countCounters: db.prepare('SELECT count(*) AS n FROM counters'),
    countUsed: db.prepare('SELECT count(*) AS n FROM used'),
  }
}
