import { FullError } from '../../core/rate-limit/limits'
import type { FoundRecord, RecordCause, StoredRecord } from '../../core/record-store'
import type { SqliteFile } from './open'
import { write } from './transaction'

export const RECORDS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY, data TEXT NOT NULL, expires_at INTEGER NOT NULL, grouped TEXT, consumed_at INTEGER,
    counted INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS records_expires_at ON records (expires_at);
  CREATE INDEX IF NOT EXISTS records_grouped ON records (grouped) WHERE grouped IS NOT NULL;
`

interface RecordRow {
  key: string
  data: string
  expires_at: number
  grouped: string | null
  consumed_at: number | null
}

/** The records of the embedded store. */
export class SqliteRecords {
  readonly #db: SqliteFile
  readonly #sql: ReturnType<typeof prepare>
  readonly #max: number
  /** How many records unauthenticated clients have caused. */
  #counted: number

  /** The schema must exist. `max`: see `MAX_RECORDS`. */
  constructor(db: SqliteFile, max: number) {
    this.#db = db
    this.#sql = prepare(db)
    this.#max = max
    this.#counted = (this.#sql.count.get() as { n: number }).n
  }

  insert(record: StoredRecord, now: number, cause: RecordCause): boolean {
    const isCounted = cause === 'unauthenticated'
    if (isCounted && this.#counted >= this.#max) throw new FullError('records')
    const removed = write(this.#db, () => {
      if (this.find(record.key, now) !== null) return null
      // An expired one.
      const { length } = this.#sql.remove.all(record.key).filter(wasCounted)
      this.#write(record, isCounted)
      return length
    })
    if (removed === null) return false
    this.#counted += Number(isCounted) - removed
    return true
  }

  put(record: StoredRecord): void {
    write(this.#db, () => this.#write(record, false))
  }

  replace({ key, data, expiresAt, group }: StoredRecord, before: string, now: number): boolean {
    return write(this.#db, () => this.#sql.replace.run(data, expiresAt, group, key, before, now)).changes > 0
  }

  find(key: string, now: number): FoundRecord | null {
    const row = this.#sql.find.get(key, now) as RecordRow | undefined
    return row === undefined ? null : toRecord(row)
  }

  list(group: string, now: number): FoundRecord[] {
    return (this.#sql.list.all(group, now) as RecordRow[]).map(toRecord)
  }

  consume(key: string, now: number): boolean {
    return write(this.#db, () => this.#sql.consume.run(now, key, now)).changes > 0
  }

  remove(key: string): boolean {
    return this.#remove(() => this.#sql.remove.all(key)) > 0
  }

  removeGroup(group: string): void {
    this.#remove(() => this.#sql.removeGroup.all(group))
  }

  /** Deletes at most `limit` expired records. Returns how many. */
  sweep(now: number, limit: number): number {
    return this.#remove(() => this.#sql.sweep.all(now, limit))
  }

  /** Returns how many were removed. */
  #remove(work: () => unknown[]): number {
    const removed = write(this.#db, work)
    this.#counted -= removed.filter(wasCounted).length
    return removed.length
  }

  /** Within a transaction. A record that is there stays counted as it was. */
  #write({ key, data, expiresAt, group }: StoredRecord, isCounted: boolean): void {
    this.#sql.put.run(key, data, expiresAt, group, Number(isCounted))
  }
}

function prepare(db: SqliteFile) {
  const columns = 'key, data, expires_at, grouped, consumed_at'
  return {
    count: db.prepare('SELECT count(*) AS n FROM records WHERE counted = 1'),
    find: db.prepare(`SELECT ${columns} FROM records WHERE key = ? AND expires_at > ?`),
    list: db.prepare(`SELECT ${columns} FROM records WHERE grouped = ? AND expires_at > ?`),
    put: db.prepare(
      `INSERT INTO records (key, data, expires_at, grouped, counted) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at,
         grouped = excluded.grouped, consumed_at = NULL`,
    ),
    replace: db.prepare(
      'UPDATE records SET data = ?, expires_at = ?, grouped = ? WHERE key = ? AND data = ? AND expires_at > ?',
    ),
    consume: db.prepare('UPDATE records SET consumed_at = ? WHERE key = ? AND consumed_at IS NULL AND expires_at > ?'),
    remove: db.prepare('DELETE FROM records WHERE key = ? RETURNING counted'),
    removeGroup: db.prepare('DELETE FROM records WHERE grouped = ? RETURNING counted'),
    sweep: db.prepare(
      `DELETE FROM records WHERE key IN (SELECT key FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
       RETURNING counted`,
    ),
  }
}

function wasCounted(row: unknown): boolean {
  return (row as { counted: number }).counted === 1
}

function toRecord({ key, data, expires_at, grouped, consumed_at }: RecordRow): FoundRecord {
  return { key, data, expiresAt: expires_at, group: grouped, consumedAt: consumed_at }
}
