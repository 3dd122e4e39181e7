import { type AnySession, type EndedBy, endsTrust } from '../../core/session/session'
import { type Bar, type Beginning, type Ended, MAX_REMEMBERED, type RevokeAll } from '../../core/store'
import { sqliteFailureKind } from './failure'
import type { SqliteFile } from './open'
import { type SessionRow, type Statements, toRow, toSession } from './statements'
import { write } from './transaction'

/** How long a session of each kind lives without use, in ms. */
export type IdleTimes = Record<AnySession['kind'], number>

/**
 * What the sweep does to unused sessions cannot be undone: a clock that was a day ahead must not
 * have done it.
 */
const SURELY_UNUSED_MS = 24 * 3_600_000

/**
 * The embedded store's sessions, and what each person is remembered by. Each write is a
 * transaction, or part of the one under way. Publishes nothing.
 */
export class SqliteSessions {
  readonly #db: SqliteFile
  readonly #sql: Statements
  readonly #idle: IdleTimes | null

  constructor(db: SqliteFile, sql: Statements, idle: IdleTimes | null) {
    this.#db = db
    this.#sql = sql
    this.#idle = idle
  }

  find(id: string): AnySession | null {
    const row = this.#sql.findSession.get(id) as SessionRow | undefined
    return row === undefined ? null : toSession(row)
  }

  list(personId: string, kind: AnySession['kind']): AnySession[] {
    return (this.#sql.listSessions.all(personId, kind) as SessionRow[]).map(toSession)
  }

  /**
   * Where the file cannot be written, use is not recorded: the session is found all the same, and
   * may end sooner.
   */
  touch(id: string, now: number): void {
    try {
      write(this.#db, () => this.#sql.touchSession.run(now, id))
    } catch (error) {
      if (sqliteFailureKind(error) === null) throw error
    }
  }

  /** The session when this was the first time, else null. */
  acknowledge(id: string): AnySession | null {
    const { changes } = write(this.#db, () => this.#sql.acknowledge.run(id))
    return changes === 0 ? null : this.find(id)
  }

  /** Null when there is a session of this id. */
  insert(beginning: Beginning): readonly Ended[] | null {
    return write(this.#db, () => this.#begin(beginning))
  }

  /** Null for an unknown session, and for one that was signed out before. */
  revoke(id: string, now: number, by: EndedBy): Ended | null {
    return write(this.#db, () => this.#revoke(id, now, by))
  }

  revokeAll(personId: string, { kind, exceptId, now, by }: RevokeAll): readonly Ended[] {
    return write(this.#db, () => {
      const ids = this.#sql.listIds.all(personId, kind, exceptId ?? '') as { id: string }[]
      return ids.map(({ id }) => this.#revoke(id, now, by)).filter((ended) => ended !== null)
    })
  }

  isBarred({ scope, entries, since }: Bar): boolean {
    return entries.some((entry) => this.remembers(scope, entry, since))
  }

  remember(scope: string, entry: string, until: number): void {
    write(this.#db, () => {
      this.#sql.remember.run(scope, entry, until)
      const oldest = this.#sql.findOldest.get(scope, MAX_REMEMBERED) as { browser_hash: string } | undefined
      if (oldest !== undefined) this.#sql.forget.run(scope, oldest.browser_hash)
    })
  }

  remembers(scope: string, entry: string, now: number): boolean {
    return this.#sql.remembers.get(scope, entry, now) !== undefined
  }

  forget(scope: string, entry: string): void {
    write(this.#db, () => this.#sql.forget.run(scope, entry))
  }

  forgetOthers(scope: string, except: string | null): void {
    write(this.#db, () => this.#sql.forgetOthers.run(scope, except ?? ''))
  }

  /**
   * Forgets what is over, and shrinks what has not been used, at most `limit` rows of each kind.
   * Returns how many.
   */
  sweep(now: number, limit: number): number {
    return write(this.#db, () => {
      const { sweepSessions, sweepRemembered, endUnused } = this.#sql
      let swept = sweepSessions.run(now, limit).changes + sweepRemembered.run(now, limit).changes
      for (const [kind, idleMs] of Object.entries(this.#idle ?? {})) {
        swept += endUnused.run(now, kind, now - idleMs - SURELY_UNUSED_MS, limit).changes
      }
      return swept
    })
  }

  #begin({ session, now, replaces, keeps, by, idleMs }: Beginning): readonly Ended[] | null {
    if (this.#sql.insertSession.run(...toRow(session)).changes === 0) return null
    const replaced = replaces === null ? null : this.#revoke(replaces, now, 'here')
    const ended: Ended[] = replaced === null ? [] : [replaced]
    const { id, kind, person } = session
    for (;;) {
      const surplus = this.#sql.findSurplus.get(person.id, kind, now, now - idleMs, id, keeps - 1)
      const one = surplus === undefined ? null : this.#revoke((surplus as { id: string }).id, now, by)
      if (one === null) return ended
      ended.push(one)
    }
  }

  #revoke(id: string, now: number, by: EndedBy): Ended | null {
    const session = this.find(id)
    if (session === null || this.#sql.revokeSession.run(now, by, id).changes === 0) return null
    if (session.kind === 'computer' && endsTrust(by)) {
      const { browserHash, person } = session
      // A record of an older version does not say by which browser: then none is trusted any more.
      if (browserHash === undefined) this.forgetOthers(person.id, null)
      else this.forget(person.id, browserHash)
    }
    return { session: { ...session, revokedAt: now, revokedBy: by }, by }
  }
}
