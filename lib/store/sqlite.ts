import { type Attempt, forgetAt, scannerOf } from '../attempt/attempt'
import type { Counter, Guard } from '../limits/limits'
import { LIMITS_SCHEMA, SqliteLimits } from '../limits/sqlite'
import type { AnySession, ComputerSession } from '../session/session'
import { FullError, openSqlite, type SqliteFile } from '../sqlite/open'
import { FanOut } from './fan-out'
import type { AccountChange, Change, Store, Unwatch, UpdateOptions } from './store'

const SCHEMA = `
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

/** Half a gigabyte of them, tombstones included. Who fills this from many addresses stops new sign-ins, not the machine. */
const MAX_ATTEMPTS = 500_000

interface SessionRow {
  last_seen_at: number
  revoked_at: number | null
  data: string
}

/**
 * The embedded store: one SQLite file, synchronous inside (a read takes microseconds), durable across restarts.
 * Changes fan out in this process only, so it serves one process.
 */
export class SqliteStore implements Store {
  readonly #db: SqliteFile
  readonly #attempts: FanOut<Attempt>
  readonly #accounts: FanOut<AccountChange>
  readonly #sql: ReturnType<typeof prepare>
  readonly #limits: SqliteLimits
  readonly #write: (before: Attempt, change: Change, guard: Guard | undefined) => boolean
  readonly #maxAttempts: number
  #attemptCount: number

  /** Opens or creates `{folder}/qr-login.db`. `onError` hears of watchers that throw. Beyond `maxAttempts` no more are taken. */
  constructor(folder: string, onError: (error: unknown) => void, maxAttempts = MAX_ATTEMPTS) {
    this.#attempts = new FanOut(onError)
    this.#accounts = new FanOut(onError)
    this.#db = openSqlite(folder, 'qr-login.db', SCHEMA + LIMITS_SCHEMA)
    this.#sql = prepare(this.#db)
    this.#limits = new SqliteLimits(this.#db)
    this.#write = this.#db.transaction((before: Attempt, change: Change, guard: Guard | undefined) =>
      this.#writeChange(before, change, guard),
    ).immediate
    this.#maxAttempts = maxAttempts
    this.#attemptCount = (this.#sql.countAttempts.get() as { n: number }).n
  }

  take(counters: readonly Counter[], now: number): number {
    return this.#limits.take(counters, now)
  }

  takeOnce(key: string, until: number, now: number): boolean {
    return this.#limits.takeOnce(key, until, now)
  }

  insertAttempt(attempt: Attempt, guard?: Guard): void {
    if (this.#attemptCount >= this.#maxAttempts) throw new FullError('attempts')
    this.#pass(guard)
    this.#sql.insertAttempt.run(attempt.id, attempt.version, forgetAt(attempt), JSON.stringify(attempt))
    this.#attemptCount += 1
  }

  findAttempt(id: string): Attempt | null {
    const row = this.#sql.findAttempt.get(id) as { data: string } | undefined
    return row === undefined ? null : (JSON.parse(row.data) as Attempt)
  }

  updateAttempt(id: string, change: (attempt: Attempt) => Change, options: UpdateOptions = {}): Change | null {
    const { guard } = options
    let before = options.from ?? this.findAttempt(id)
    for (;;) {
      const changed = this.#decide(before, change, guard)
      if (before === null || changed === null || changed.attempt === before) return changed
      if (this.#write(before, changed, guard)) {
        this.#announce(changed)
        return changed
      }
      before = this.findAttempt(id)
    }
  }

  /** Where nothing will be written the guard is counted by itself: repeats and refusals count too. */
  #decide(before: Attempt | null, change: (attempt: Attempt) => Change, guard: Guard | undefined): Change | null {
    let changed: Change | null
    try {
      changed = before === null ? null : change(before)
    } catch (error) {
      this.#pass(guard)
      throw error
    }
    if (changed === null || changed.attempt === before) this.#pass(guard)
    return changed
  }

  #pass(guard: Guard | undefined): void {
    if (guard === undefined) return
    const waitMs = this.#limits.take(guard.counters, guard.now)
    if (waitMs > 0) throw guard.refuse(waitMs)
  }

  /** False when somebody else was faster: nothing is written then. */
  #writeChange(before: Attempt, { attempt, begins }: Change, guard: Guard | undefined): boolean {
    const waitMs = guard === undefined ? 0 : this.#limits.wait(guard.counters, guard.now)
    if (guard !== undefined && waitMs > 0) throw guard.refuse(waitMs)
    const data = JSON.stringify(attempt)
    const { changes } = this.#sql.compareAndSet.run(
      attempt.version,
      forgetAt(attempt),
      data,
      attempt.id,
      before.version,
    )
    if (changes === 0) return false
    if (guard !== undefined) this.#limits.count(guard.counters, guard.now)
    if (begins !== undefined) {
      const { session, isKnownUntil } = begins
      this.#sql.insertSession.run(...toRow(session))
      this.#sql.rememberBrowser.run(session.person.id, attempt.computer.browserHash, isKnownUntil)
    }
    return true
  }

  #announce({ attempt, begins }: Change): void {
    this.#attempts.publish(attempt.id, attempt)
    const phone = scannerOf(attempt)
    if (phone !== null) this.#accounts.publish(phone.person.id, { type: 'attempt', attempt })
    if (begins !== undefined) this.#accounts.publish(begins.session.person.id, { type: 'sessions' })
  }

  watchAttempt(id: string, listener: (attempt: Attempt) => void): Unwatch {
    return this.#attempts.watch(id, listener)
  }

  insertSession(session: AnySession): boolean {
    const { changes } = this.#sql.insertSession.run(...toRow(session))
    if (changes > 0 && session.kind === 'computer') this.#accounts.publish(session.person.id, { type: 'sessions' })
    return changes > 0
  }

  findSession(id: string): AnySession | null {
    const row = this.#sql.findSession.get(id) as SessionRow | undefined
    return row === undefined ? null : toSession(row)
  }

  listSessions(personId: string): ComputerSession[] {
    return (this.#sql.listSessions.all(personId) as SessionRow[]).map((row) => toSession(row) as ComputerSession)
  }

  touchSession(id: string, now: number): void {
    this.#sql.touchSession.run(now, id)
  }

  revokeSession(id: string, now: number): AnySession | null {
    const session = this.findSession(id)
    if (session === null || this.#sql.revokeSession.run(now, id).changes === 0) return null
    this.#accounts.publish(session.person.id, { type: 'revoked', sessionId: id })
    if (session.kind === 'computer') this.#accounts.publish(session.person.id, { type: 'sessions' })
    return session
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#accounts.watch(personId, listener)
  }

  rememberBrowser(personId: string, browserHash: string, until: number): void {
    this.#sql.rememberBrowser.run(personId, browserHash, until)
  }

  isKnownBrowser(personId: string, browserHash: string, now: number): boolean {
    return this.#sql.isKnownBrowser.get(personId, browserHash, now) !== undefined
  }

  sweep(now: number, limit: number): number {
    const { sweepAttempts, sweepSessions, sweepBrowsers } = this.#sql
    const attempts = sweepAttempts.run(now, limit).changes
    this.#attemptCount -= attempts
    const others = [sweepSessions, sweepBrowsers].reduce((sum, sql) => sum + sql.run(now, limit).changes, 0)
    return attempts + others + this.#limits.sweep(now, limit)
  }

  ping(): void {
    this.#sql.ping.get()
  }

  close(): void {
    if (this.#db.open) this.#db.close()
  }
}

function prepare(db: SqliteFile) {
  return {
    insertAttempt: db.prepare('INSERT INTO attempts (id, version, forget_at, data) VALUES (?, ?, ?, ?)'),
    countAttempts: db.prepare('SELECT count(*) AS n FROM attempts'),
    findAttempt: db.prepare('SELECT data FROM attempts WHERE id = ?'),
    compareAndSet: db.prepare('UPDATE attempts SET version = ?, forget_at = ?, data = ? WHERE id = ? AND version = ?'),
    insertSession: db.prepare(
      `INSERT OR IGNORE INTO sessions (id, kind, person_id, signed_in_at, last_seen_at, expires_at, data)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    findSession: db.prepare('SELECT last_seen_at, revoked_at, data FROM sessions WHERE id = ?'),
    listSessions: db.prepare(
      `SELECT last_seen_at, revoked_at, data FROM sessions
       WHERE person_id = ? AND kind = 'computer' AND revoked_at IS NULL ORDER BY signed_in_at DESC, id`,
    ),
    touchSession: db.prepare('UPDATE sessions SET last_seen_at = max(last_seen_at, ?) WHERE id = ?'),
    revokeSession: db.prepare('UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL'),
    rememberBrowser: db.prepare(
      `INSERT INTO known_browsers (person_id, browser_hash, until) VALUES (?, ?, ?)
       ON CONFLICT (person_id, browser_hash) DO UPDATE SET until = excluded.until`,
    ),
    isKnownBrowser: db.prepare('SELECT 1 FROM known_browsers WHERE person_id = ? AND browser_hash = ? AND until > ?'),
    sweepAttempts: db.prepare(
      'DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE forget_at <= ? LIMIT ?)',
    ),
    sweepSessions: db.prepare(
      'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?)',
    ),
    sweepBrowsers: db.prepare(
      `DELETE FROM known_browsers WHERE (person_id, browser_hash) IN
       (SELECT person_id, browser_hash FROM known_browsers WHERE until <= ? LIMIT ?)`,
    ),
    ping: db.prepare('SELECT 1 FROM attempts LIMIT 1'),
  }
}

function toRow(session: AnySession): unknown[] {
  const { id, kind, person, signedInAt, lastSeenAt, expiresAt } = session
  return [id, kind, person.id, signedInAt, lastSeenAt, expiresAt, JSON.stringify(session)]
}

/** Use and sign-out are columns, so that recording them rewrites no document. */
function toSession(row: SessionRow): AnySession {
  return { ...(JSON.parse(row.data) as AnySession), lastSeenAt: row.last_seen_at, revokedAt: row.revoked_at }
}
