import { type AnySession, type EndedBy, TOUCH_EVERY_MS } from '../session/session'
import type { SqliteFile } from '../sqlite/open'

/** What the embedded store keeps, and every statement that it makes. */
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
  CREATE TABLE IF NOT EXISTS known_browsers (
    person_id TEXT NOT NULL, browser_hash TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (person_id, browser_hash)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS known_browsers_until ON known_browsers (until);
`

/** Columns that tables of older versions lack. */
const ADDED = [
  ['sessions', 'revoked_by', 'TEXT'],
  ['sessions', 'acknowledged', 'INTEGER NOT NULL DEFAULT 0'],
] as const

export interface SessionRow {
  last_seen_at: number
  revoked_at: number | null
  revoked_by: EndedBy | null
  acknowledged: number
  data: string
}

const SESSION = 'last_seen_at, revoked_at, revoked_by, acknowledged, data'

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
    /** Of the live ones but for one, newest first, the one after so many. */
    findSurplus: db.prepare(
      `SELECT id FROM sessions
       WHERE person_id = ? AND kind = ? AND revoked_at IS NULL AND expires_at > ? AND last_seen_at > ? AND id <> ?
       ORDER BY signed_in_at DESC, id LIMIT 1 OFFSET ?`,
    ),
    /** A use that lies far ahead was recorded before the clock was set back. */
    touchSession: db.prepare(
      `UPDATE sessions SET last_seen_at =
       CASE WHEN last_seen_at > ?1 + ${TOUCH_EVERY_MS} THEN ?1 ELSE max(last_seen_at, ?1) END WHERE id = ?2`,
    ),
    acknowledge: db.prepare('UPDATE sessions SET acknowledged = 1 WHERE id = ? AND acknowledged = 0'),
    revokeSession: db.prepare('UPDATE sessions SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL'),
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
    ping: db.prepare('SELECT 1 FROM attempts LIMIT 1'),
  }
}

export function toRow(session: AnySession): unknown[] {
  const { id, kind, person, signedInAt, lastSeenAt, expiresAt } = session
  return [id, kind, person.id, signedInAt, lastSeenAt, expiresAt, JSON.stringify(session)]
}

/** Use, notice and sign-out are columns, so that recording them rewrites no document. */
export function toSession(row: SessionRow): AnySession {
  const session = JSON.parse(row.data) as AnySession
  const { last_seen_at: lastSeenAt, revoked_at: revokedAt, revoked_by: revokedBy } = row
  const now = { lastSeenAt, revokedAt, revokedBy }
  return session.kind === 'phone'
    ? { ...session, ...now }
    : { ...session, ...now, acknowledged: row.acknowledged === 1 }
}
