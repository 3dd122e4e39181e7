import { FullError } from '../../core/rate-limit/limits'
import type { FoundRecord, StoredRecord } from '../../core/record-store'
import type { SqliteFile } from './open'
import { write } from './transaction'

export const RECORDS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY, data TEXT NOT NULL, expires_at INTEGER NOT NULL, grouped TEXT, consumed_at INTEGER
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
  #stored: number

  /** The schema must exist. `max`: see `MAX_RECORDS`. */
  constructor(db: SqliteFile, max: number) {
    this.#db = db
    this.#sql = prepare(db)
    this.#max = max
    this.#stored = (this.#sql.count.get() as { n: number }).n
  }

  insert(record: StoredRecord, now: number): boolean {
    if (this.#stored >= this.#max) throw new FullError('records')
    const added = write(this.#db, () => (this.find(record.key, now) === null ? this.#write(record) : null))
    this.#stored += added ?? 0
    return added !== null
  }

  put(record: StoredRecord): void {
    this.#stored += write(this.#db, () => this.#write(record))
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
    const { changes } = write(this.#db, () => this.#sql.remove.run(key))
    this.#stored -= changes
    return changes > 0
  }

  removeGroup(group: string): void {
    this.#stored -= write(this.#db, () => this.#sql.removeGroup.run(group)).changes
  }

  /** Deletes at most `limit` expired records. Returns how many. */
  sweep(now: number, limit: number): number {
    const { changes } = write(this.#db, () => this.#sql.sweep.run(now, limit))
    this.#stored -= changes
    return changes
  }

  /** Within a transaction. Returns how many rows were added. */
  #write({ key, data, expiresAt, group }: StoredRecord): number {
    const isThere = this.#sql.exists.get(key) !== undefined
    this.#sql.put.run(key, data, expiresAt, group)
    return isThere ? 0 : 1
  }
}

function prepare(db: SqliteFile) {
  const columns = 'key, data, expires_at, grouped, consumed_at'
  return {
    count: db.prepare('SELECT count(*) AS n FROM records'),
    exists: db.prepare('SELECT 1 FROM records WHERE key = ?'),
    find: db.prepare(`SELECT ${columns} FROM records WHERE key = ? AND expires_at > ?`),
    list: db.prepare(`SELECT ${columns} FROM records WHERE grouped = ? AND expires_at > ?`),
    put: db.prepare(
      `INSERT INTO records (key, data, expires_at, grouped) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at,
         grouped = excluded.grouped, consumed_at = NULL`,
    ),
    replace: db.prepare(
      'UPDATE records SET data = ?, expires_at = ?, grouped = ? WHERE key = ? AND data = ? AND expires_at > ?',
    ),
    consume: db.prepare('UPDATE records SET consumed_at = ? WHERE key = ? AND consumed_at IS NULL AND expires_at > ?'),
    remove: db.prepare('DELETE FROM records WHERE key = ?'),
    removeGroup: db.prepare('DELETE FROM records WHERE grouped = ?'),
    sweep: db.prepare(
      'DELETE FROM records WHERE key IN (SELECT key FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    ),
  }
}

function toRecord({ key, data, expires_at, grouped, consumed_at }: RecordRow): FoundRecord {
  return { key, data, expiresAt: expires_at, group: grouped, consumedAt: consumed_at }
}
