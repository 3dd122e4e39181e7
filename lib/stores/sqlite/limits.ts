import { type Counter, FullError, type Limits, MAX_COUNTERS_PER_RULE, MAX_USED } from '../../core/rate-limit/limits'
import type { SqliteFile } from './open'
import { write } from './transaction'

/**
 * The schema, which must exist before `SqliteLimits` is created. The key of a row in `counters` is
 * the rule, a space, and the key of the counter.
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

/** A counter to be counted, and its stored row. */
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

/** How many expired counters are deleted if a rule is full, before the call fails. */
const SWEPT_FOR_ROOM = 1_000

/**
 * The limits of the embedded store, in two tables of its database: a restart resets no counter, and
 * counters are part of the transaction of a write.
 */
export class SqliteLimits implements Limits {
  readonly #db: SqliteFile
  readonly #sql: ReturnType<typeof prepare>
  readonly #options: SqliteLimitsOptions
  /** The number of counters of each rule. */
  readonly #rooms = new Map<string, number>()
  /** The rule of each counter that the current transaction has added. */
  readonly #added: string[] = []
  /** Counters of the current transaction that end too late, and the end that they get. */
  readonly #tooLate: { key: string; endsAt: number }[] = []
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
   * Runs `work` in a transaction that counts. If a rule has no room, it deletes expired counters
   * and runs the transaction once more. The deletion is not part of the transaction, because a
   * rollback would undo it.
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
   * Returns the ms until the windows of all full counters have ended, 0 if none is full, and what
   * `count` has to write. Call both within one transaction.
   * @throws FullError if a rule has no room for a new counter.
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

  /** Deletes expired rows, at most `limit` of each kind. Returns how many. */
  sweep(now: number, limit: number): number {
    const counters = this.#sweepCounters(now, limit)
    const used = write(this.#db, () => this.#sql.sweepUsed.run(now, limit)).changes
    this.#used -= used
    return counters + used
  }

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
   * A window that ends later than a new one would end began before the clock was set back: it gets
   * the end of a new window.
   */
  #findWithin(key: string, latest: number): Row | null {
    const row = this.#find(key)
    if (row === null || row.ends_at <= latest) return row
    this.#tooLate.push({ key, endsAt: latest })
    return { ...row, ends_at: latest }
  }

  /** For a new counter. @throws FullError if the rule has no room. */
  #requireRoom({ rule }: Counter): void {
    if (this.#roomOf(rule) >= this.#options.maxCountersPerRule) throw new FullError(`counters of ${rule}`)
  }

  /** Runs a transaction. If it fails, also undoes what it has counted in memory. */
  #undoOnFailure<T>(work: () => T): T {
    this.#added.length = 0
    this.#tooLate.length = 0
    try {
      return write(this.#db, work)
    } catch (error) {
      for (const rule of this.#added) this.#rooms.set(rule, this.#roomOf(rule) - 1)
      throw error
    } finally {
      if (this.#tooLate.length > 0) this.#shortenWindows()
    }
  }

  /** Runs after the transaction, because a refusal rolls it back. */
  #shortenWindows(): void {
    write(this.#db, () => {
      for (const { key, endsAt } of this.#tooLate) this.#sql.shortenWindow.run(endsAt, key, endsAt)
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
    shortenWindow: db.prepare('UPDATE counters SET ends_at = ? WHERE key = ? AND ends_at > ?'),
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
