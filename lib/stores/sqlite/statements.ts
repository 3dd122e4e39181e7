import type { AnySession, EndedBy } from '../../core/session/session'
import type { SqliteFile } from './open'

/** The schema of the embedded store. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, forget_at INTEGER NOT NULL, data TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS attempts_forget_at ON attempts (forget_at);
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, person_id TEXT NOT NULL, signed_in_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER, data TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS sessions_person ON sessions (person_id, kind, signed_in_at);
  CREATE INDEX IF NOT EXISTS sessions_expires_at ON sessions (expires_at);
  CREATE INDEX IF NOT EXISTS sessions_live ON sessions (kind, last_seen_at) WHERE revoked_at IS NULL;
  CREATE TABLE IF NOT EXISTS known_browsers (
    person_id TEXT NOT NULL, browser_hash TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (person_id, browser_hash)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS known_browsers_until ON known_browsers (until);
  CREATE TABLE IF NOT EXISTS pings (id INTEGER PRIMARY KEY CHECK (id = 1), n INTEGER NOT NULL);
  INSERT OR IGNORE INTO pings VALUES (1, 0);
`

/** Columns that tables of older versions lack. */
const ADDED = [
  ['sessions', 'revoked_by', 'TEXT'],
  ['sessions', 'acknowledged', 'INTEGER NOT NULL DEFAULT 0'],
] as const

export interface SessionRow {
  id: string
  kind: AnySession['kind']
  person_id: string
  signed_in_at: number
  last_seen_at: number
  expires_at: number
  revoked_at: number | null
  revoked_by: EndedBy | null
  acknowledged: number
  /**
   * The session as JSON; an empty object if it has ended. If a column has the same value, the
   * column counts.
   */
  data: string
}

const SESSION =
  'id, kind, person_id, signed_in_at, last_seen_at, expires_at, revoked_at, revoked_by, acknowledged, data'

/**
 * Finds the next session beyond a number of live sessions of a person, one session excluded, newest
 * first. It names the index: SQLite would choose `sessions_live`, and read the sessions of all
 * persons.
 */
export const FIND_SURPLUS = `
  SELECT id FROM sessions INDEXED BY sessions_person
  WHERE person_id = ? AND kind = ? AND revoked_at IS NULL AND expires_at > ? AND last_seen_at > ? AND id <> ?
  ORDER BY signed_in_at DESC, id LIMIT 1 OFFSET ?`

export type Statements = ReturnType<typeof prepare>

export function prepare(db: SqliteFile) {
  for (const [table, column, type] of ADDED) {
    const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]
    if (!columns.some(({ name }) => name === column)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`)
  }
  return {
    insertAttempt: db.prepare('INSERT INTO attempts (id, version, forget_at, data) VALUES (?, ?, ?, ?)'),
    countAttempts: db.prepare('SELECT count(*) AS n FROM attempts'),
    findAttempt: db.prepare('SELECT data FROM attempts WHERE id = ?'),
    compareAndSet: db.prepare('UPDATE attempts SET version = ?, forget_at = ?, data = ? WHERE id = ? AND version = ?'),
    insertSession: db.prepare(
      `INSERT OR IGNORE INTO sessions (id, kind, person_id, signed_in_at, last_seen_at, expires_at, data)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    findSession: db.prepare(`SELECT ${SESSION} FROM sessions WHERE id = ?`),
    listSessions: db.prepare(
      `SELECT ${SESSION} FROM sessions
       WHERE person_id = ? AND kind = ? AND revoked_at IS NULL ORDER BY signed_in_at DESC, id`,
    ),
    listIds: db.prepare('SELECT id FROM sessions WHERE person_id = ? AND kind = ? AND revoked_at IS NULL AND id <> ?'),
    findSurplus: db.prepare(FIND_SURPLUS),
    touchSession: db.prepare('UPDATE sessions SET last_seen_at = max(last_seen_at, ?) WHERE id = ?'),
    acknowledge: db.prepare('UPDATE sessions SET acknowledged = 1 WHERE id = ? AND acknowledged = 0'),
    /** Keeps only the columns, which a repeated sign-out or redeem needs. */
    revokeSession: db.prepare(
      `UPDATE sessions SET revoked_at = ?, revoked_by = ?, data = '{}' WHERE id = ? AND revoked_at IS NULL`,
    ),
    endUnused: db.prepare(
      `UPDATE sessions SET revoked_at = ?, revoked_by = 'time', data = '{}' WHERE id IN
       (SELECT id FROM sessions WHERE kind = ? AND last_seen_at <= ? AND revoked_at IS NULL LIMIT ?)`,
    ),
    remember: db.prepare(
      `INSERT INTO known_browsers (person_id, browser_hash, until) VALUES (?, ?, ?)
       ON CONFLICT (person_id, browser_hash) DO UPDATE SET until = excluded.until`,
    ),
    findOldest: db.prepare(
      'SELECT browser_hash FROM known_browsers WHERE person_id = ? ORDER BY until DESC LIMIT 1 OFFSET ?',
    ),
    remembers: db.prepare('SELECT 1 FROM known_browsers WHERE person_id = ? AND browser_hash = ? AND until > ?'),
    forget: db.prepare('DELETE FROM known_browsers WHERE person_id = ? AND browser_hash = ?'),
    forgetOthers: db.prepare('DELETE FROM known_browsers WHERE person_id = ? AND browser_hash <> ?'),
    sweepAttempts: db.prepare(
      'DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE forget_at <= ? LIMIT ?)',
    ),
    sweepSessions: db.prepare(
      'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?)',
    ),
    sweepRemembered: db.prepare(
      `DELETE FROM known_browsers WHERE (person_id, browser_hash) IN
       (SELECT person_id, browser_hash FROM known_browsers WHERE until <= ? LIMIT ?)`,
    ),
    /** The value changes each time: SQLite would not write the same value. */
    ping: db.prepare('UPDATE pings SET n = (n + 1) % 1000000 WHERE id = 1'),
  }
}

export function toRow(session: AnySession): unknown[] {
  const { id, kind, person, signedInAt, lastSeenAt, expiresAt } = session
  const columns = { lastSeenAt: undefined, revokedAt: undefined, revokedBy: undefined, acknowledged: undefined }
  return [id, kind, person.id, signedInAt, lastSeenAt, expiresAt, JSON.stringify({ ...session, ...columns })]
}

/**
 * Last use, acknowledgement and sign-out are columns, so that recording them rewrites no document.
 * Name, picture and device of a session that has ended are empty.
 */
export function toSession(row: SessionRow): AnySession {
  const stored = JSON.parse(row.data) as Partial<AnySession>
  const session = {
    person: { id: row.person_id, name: '', avatarUrl: null },
    browser: null,
    os: null,
    place: null,
    ...stored,
    id: row.id,
    signedInAt: row.signed_in_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    revokedBy: row.revoked_by,
  }
  return row.kind === 'phone'
    ? { ...session, kind: row.kind }
    : { ...session, kind: row.kind, acknowledged: row.acknowledged === 1 }
}
