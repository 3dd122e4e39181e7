import { FullError, openSqlite, type SqliteFile } from '../sqlite/open'
import type { Counter, Limits } from './limits'

const SCHEMA = `
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

/** The embedded limits: one SQLite file beside the store's, so that a restart frees nobody. */
export class SqliteLimits implements Limits {
  readonly #db: SqliteFile
  readonly #sql: ReturnType<typeof prepare>
  readonly #options: SqliteLimitsOptions
  readonly #take: (counters: readonly Counter[], now: number) => number
  #counters: number
  #used: number

  /** Opens or creates `{folder}/limits.db`. */
  constructor(folder: string, options: SqliteLimitsOptions = DEFAULTS) {
    this.#db = openSqlite(folder, 'limits.db', SCHEMA)
    this.#options = options
    this.#sql = prepare(this.#db)
    this.#take = this.#db.transaction((counters: readonly Counter[], now: number) =>
      this.#judge(counters, now),
    ).immediate
    this.#counters = (this.#sql.countCounters.get() as { n: number }).n
    this.#used = (this.#sql.countUsed.get() as { n: number }).n
  }

  take(counters: readonly Counter[], now: number): number {
    return this.#take(counters, now)
  }

  takeOnce(key: string, until: number, now: number): boolean {
    if (this.#used >= this.#options.maxUsed) throw new FullError('used keys')
    const { changes } = this.#sql.use.run(key, until, now)
    this.#used += changes
    return changes > 0
  }

  sweep(now: number, limit: number): number {
    const counters = this.#sql.sweepCounters.run(now, limit).changes
    const used = this.#sql.sweepUsed.run(now, limit).changes
    this.#counters -= counters
    this.#used -= used
    return counters + used
  }

  close(): void {
    if (this.#db.open) this.#db.close()
  }

  #judge(counters: readonly Counter[], now: number): number {
    const rows = counters.map(({ key }) => (this.#sql.find.get(key) as Row | undefined) ?? null)
    const waits = rows.map((row, index) => {
      const isFull = row !== null && row.ends_at > now && row.count >= (counters[index]?.limit ?? 0)
      return isFull ? row.ends_at - now : 0
    })
    const waitMs = Math.max(0, ...waits)
    if (waitMs > 0) return waitMs
    counters.forEach((counter, index) => {
      if (counter.counts) this.#count(counter, rows[index] ?? null, now)
    })
    return 0
  }

  #count({ key, windowMs }: Counter, row: Row | null, now: number): void {
    const isRunning = row !== null && row.ends_at > now
    // Room that was made for another counter of the same call may have been this one's.
    if (isRunning && this.#sql.add.run(key).changes > 0) return
    if (row === null) this.#makeRoom()
    this.#sql.begin.run(key, isRunning ? row.count + 1 : 1, isRunning ? row.ends_at : now + windowMs)
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
    begin: db.prepare('INSERT OR REPLACE INTO counters (key, count, ends_at) VALUES (?, ?, ?)'),
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
