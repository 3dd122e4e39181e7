import { MAX_PASSKEYS, type Passkey } from '../../core/account/passkey'
import type { PersonRecord } from '../../core/account/person'
import type { SqliteFile } from './open'
import { write } from './transaction'

export const PASSKEYS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS passkeys (
    id TEXT PRIMARY KEY, person_id TEXT NOT NULL, added_at INTEGER NOT NULL, counter INTEGER NOT NULL,
    last_used_at INTEGER, name TEXT NOT NULL, person TEXT NOT NULL, data TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS passkeys_person ON passkeys (person_id, added_at);
`

interface PasskeyRow {
  counter: number
  last_used_at: number | null
  name: string
  person: string
  /** The fields that never change, as JSON. */
  data: string
}

/** The passkeys of the embedded store. */
export class SqlitePasskeys {
  readonly #db: SqliteFile
  readonly #sql: ReturnType<typeof prepare>

  /** The schema must exist. */
  constructor(db: SqliteFile) {
    this.#db = db
    this.#sql = prepare(db)
  }

  insert({ person, name, counter, lastUsedAt, ...data }: Passkey): 'exists' | 'full' | null {
    return write(this.#db, () => {
      const { n } = this.#sql.count.get(person.id) as { n: number }
      if (this.#sql.find.get(data.id) !== undefined) return 'exists'
      if (n >= MAX_PASSKEYS) return 'full'
      const columns = [data.id, person.id, data.addedAt, counter, lastUsedAt, name]
      this.#sql.insert.run(...columns, JSON.stringify(person), JSON.stringify(data))
      return null
    })
  }

  find(id: string): Passkey | null {
    const row = this.#sql.find.get(id) as PasskeyRow | undefined
    return row === undefined ? null : toPasskey(row)
  }

  list(personId: string): Passkey[] {
    return (this.#sql.list.all(personId) as PasskeyRow[]).map(toPasskey)
  }

  recordUse(id: string, counter: number, now: number): boolean {
    return write(this.#db, () => this.#sql.recordUse.run(counter, now, id, counter, counter)).changes > 0
  }

  rename(personId: string, id: string, name: string): boolean {
    return write(this.#db, () => this.#sql.rename.run(name, id, personId)).changes > 0
  }

  remove(personId: string, id: string): boolean {
    return write(this.#db, () => this.#sql.remove.run(id, personId)).changes > 0
  }

  describePerson(person: PersonRecord): void {
    const { n } = this.#sql.count.get(person.id) as { n: number }
    if (n > 0) write(this.#db, () => this.#sql.describePerson.run(JSON.stringify(person), person.id))
  }
}

function prepare(db: SqliteFile) {
  const columns = 'counter, last_used_at, name, person, data'
  return {
    insert: db.prepare(
      `INSERT INTO passkeys (id, person_id, added_at, counter, last_used_at, name, person, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    find: db.prepare(`SELECT ${columns} FROM passkeys WHERE id = ?`),
    list: db.prepare(`SELECT ${columns} FROM passkeys WHERE person_id = ? ORDER BY added_at DESC, id`),
    count: db.prepare('SELECT count(*) AS n FROM passkeys WHERE person_id = ?'),
    recordUse: db.prepare(
      `UPDATE passkeys SET counter = ?, last_used_at = ?
       WHERE id = ? AND (counter < ? OR (counter = 0 AND ? = 0))`,
    ),
    rename: db.prepare('UPDATE passkeys SET name = ? WHERE id = ? AND person_id = ?'),
    remove: db.prepare('DELETE FROM passkeys WHERE id = ? AND person_id = ?'),
    describePerson: db.prepare('UPDATE passkeys SET person = ? WHERE person_id = ?'),
  }
}

function toPasskey(row: PasskeyRow): Passkey {
  const data = JSON.parse(row.data) as Omit<Passkey, 'person' | 'name' | 'counter' | 'lastUsedAt'>
  const person = JSON.parse(row.person) as PersonRecord
  return { ...data, person, name: row.name, counter: row.counter, lastUsedAt: row.last_used_at }
}
