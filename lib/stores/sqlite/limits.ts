import { type Counter, FullError, type Limits, MAX_COUNTERS_PER_RULE, MAX_USED } from '../../core/rate-limit/limits'
import type { SqliteFile } from './open'
import { write } from './transaction'

/**
 * To be put into the file before it is used here. A counter's key is its rule, a space, and its own
 * key.
 */
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

/** A counter that is to be counted, as it was found. */
interface Count {
  counter: Counter
  key: string
  row: Row | null
}

export interface Checked {
  waitMs: number
  counts: readonly Count[]
}

export interface SqliteLimitsOptions {
  maxCountersPerRule: number
  maxUsed: number
}

export const LIMITS_ROOM: SqliteLimitsOptions = { maxCountersPerRule: MAX_COUNTERS_PER_RULE, maxUsed: MAX_USED }

/** How many counters that are over are forgotten to make room, before a rule counts as full. */
const SWEPT_FOR_ROOM = 1_000

/**
 * The embedded limits: two tables beside the store's, so that a restart frees no client, and so
 * that they are counted within a write.
 */
export class SqliteLimits implements Limits {
  readonly #db: SqliteFile
  readonly #sql: ReturnType<typeof prepare>
  readonly #options: SqliteLimitsOptions
  /** How many counters each rule has. */
  readonly #rooms = new Map<string, number>()
  /** The rule of each counter that the transaction under way has added. */
  readonly #added: string[] = []
  /**
   * Counters that the transaction under way has found further ahead than their window, and the end
   * that they get.
   */
  readonly #ahead: { key: string; endsAt: number }[] = []
  #used = 0

  constructor(db: SqliteFile, options: SqliteLimitsOptions = LIMITS_ROOM) {
    this.#options = options
    this.#db = db
    this.#sql = prepare(db)
    this.#recount()
  }

  take(counters: readonly Counter[], now: number): number {
    return this.transact(now, () => {
      const { waitMs, counts } = this.check(counters, now)
      if (waitMs === 0) this.count(counts, now)
      return waitMs
    })
  }

  /**
   * Runs `work` in a transaction that counts. Where a rule has no room, what is over is forgotten,
   * and the transaction runs once more: within it, a rollback would bring back what was forgotten.
   */
  transact<T>(now: number, work: () => T): T {
    try {
      return this.#undoOnFailure(work)
    } catch (error) {
      if (!(error instanceof FullError) || this.#sweepCounters(now, SWEPT_FOR_ROOM) === 0) throw error
      return this.#undoOnFailure(work)
    }
  }

  giveBack(counters: readonly Counter[], now: number): void {
    write(this.#db, () => {
      for (const { rule, key, counts } of counters) if (counts) this.#sql.giveBack.run(storedKey(rule, key), now)
    })
  }

  /**
   * How long the last of the full ones is full, in ms, 0 when none is; and what `count` has to
   * write then. Both within a transaction of the caller's.
   * @throws FullError when `count` would find no room.
   */
  check(counters: readonly Counter[], now: number): Checked {
    let waitMs = 0
    const counts: Count[] = []
    for (const counter of counters) {
      const key = storedKey(counter.rule, counter.key)
      const own = this.#findWithin(key, now + counter.windowMs)
      let count = 0
      let fullMs = 0
      for (const row of counter.aliases === undefined ? [own] : [own, ...this.#findAliases(counter, now)]) {
        if (row === null || row.ends_at <= now) continue
        count += row.count
        fullMs = Math.max(fullMs, row.ends_at - now)
      }
      if (count >= counter.limit) waitMs = Math.max(waitMs, fullMs)
      if (counter.counts) counts.push({ counter, key, row: own })
    }
    if (waitMs === 0) for (const { counter, row } of counts) if (row === null) this.#requireRoom(counter)
    return { waitMs, counts }
  }

  count(counts: readonly Count[], now: number): void {
    for (const { counter, key, row } of counts) {
      if (row !== null && row.ends_at > now) this.#sql.add.run(key)
      else this.#sql.begin.run(key, now + counter.windowMs)
      if (row !== null) continue
      this.#rooms.set(counter.rule, this.#roomOf(counter.rule) + 1)
      this.#added.push(counter.rule)
    }
  }

  takeOnce(key: string, until: number, now: number): boolean {
    if (this.#used >= this.#options.maxUsed) throw new FullError('used keys')
    const { changes } = write(this.#db, () => this.#sql.use.run(key, until, now))
    this.#used += changes
    return changes > 0
  }

  /** Forgets what is over, at most `limit` rows of each kind. Returns how many it forgot. */
  sweep(now: number, limit: number): number {
    const counters = this.#sweepCounters(now, limit)
    const used = write(this.#db, () => this.#sql.sweepUsed.run(now, limit)).changes
    this.#used -= used
    return counters + used
  }

  /** Counts what is there. */
  #recount(): void {
    this.#rooms.clear()
    for (const { rule, n } of this.#sql.countCounters.all() as { rule: string; n: number }[]) this.#rooms.set(rule, n)
    this.#used = (this.#sql.countUsed.get() as { n: number }).n
  }

  #find(key: string): Row | null {
    return (this.#sql.find.get(key) as Row | undefined) ?? null
  }

  #findAliases({ rule, aliases = [], windowMs }: Counter, now: number): (Row | null)[] {
    return aliases.map((key) => this.#findWithin(storedKey(rule, key), now + windowMs))
  }

  /**
   * A window that ends later than a new one would was begun before the clock was set back: it ends
   * as a new one.
   */
  #findWithin(key: string, latest: number): Row | null {
    const row = this.#find(key)
    if (row === null || row.ends_at <= latest) return row
    this.#ahead.push({ key, endsAt: latest })
    return { ...row, ends_at: latest }
  }

  /** For a counter that is new. */
  #requireRoom({ rule }: Counter): void {
    if (this.#roomOf(rule) >= this.#options.maxCountersPerRule) throw new FullError(`counters of ${rule}`)
  }

  /**
   * Where a transaction fails it is rolled back: what was counted in memory meanwhile is not there.
   */
  #undoOnFailure<T>(work: () => T): T {
    this.#added.length = 0
    this.#ahead.length = 0
    try {
      return write(this.#db, work)
    } catch (error) {
      for (const rule of this.#added) this.#rooms.set(rule, this.#roomOf(rule) - 1)
      throw error
    } finally {
      if (this.#ahead.length > 0) this.#bringBack()
    }
  }

  /** After the transaction, which a refusal has rolled back. */
  #bringBack(): void {
    write(this.#db, () => {
      for (const { key, endsAt } of this.#ahead) this.#sql.bringBack.run(endsAt, key, endsAt)
    })
  }

  #roomOf(rule: string): number {
    return this.#rooms.get(rule) ?? 0
  }

  #sweepCounters(now: number, limit: number): number {
    const swept = write(this.#db, () => this.#sql.sweepCounters.all(now, limit) as { key: string }[])
    for (const { key } of swept) {
      const rule = key.slice(0, Math.max(0, key.indexOf(' ')))
      this.#rooms.set(rule, this.#roomOf(rule) - 1)
    }
    return swept.length
  }
}

function storedKey(rule: string, key: string): string {
  return `${rule} ${key}`
}

function prepare(db: SqliteFile) {
  return {
    find: db.prepare('SELECT count, ends_at FROM counters WHERE key = ?'),
    bringBack: db.prepare('UPDATE counters SET ends_at = ? WHERE key = ? AND ends_at > ?'),
    add: db.prepare('UPDATE counters SET count = count + 1 WHERE key = ?'),
    begin: db.prepare('INSERT OR REPLACE INTO counters (key, count, ends_at) VALUES (?, 1, ?)'),
    giveBack: db.prepare('UPDATE counters SET count = count - 1 WHERE key = ? AND ends_at > ? AND count > 0'),
    use: db.prepare(
      `INSERT INTO used (key, ends_at) VALUES (?, ?)
       ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at WHERE ends_at <= ?`,
    ),
    sweepCounters: db.prepare(
      'DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE ends_at <= ? LIMIT ?) RETURNING key',
    ),
    sweepUsed: db.prepare('DELETE FROM used WHERE key IN (SELECT key FROM used WHERE ends_at <= ? LIMIT ?)'),
    countCounters: db.prepare(
      `SELECT substr(key, 1, max(0, instr(key, ' ') - 1)) AS rule, count(*) AS n FROM counters GROUP BY rule`,
    ),
    countUsed: db.prepare('SELECT count(*) AS n FROM used'),
  }
}
