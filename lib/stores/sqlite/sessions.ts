import { toCreatedEvent, toRevokedEvent } from '../../core/outbox/event'
import { type AnySession, type EndedBy, endsTrust } from '../../core/session/session'
import {
  type EndedSession,
  MAX_REMEMBERED,
  type RevocationMark,
  type RevokeAll,
  type SessionStart,
} from '../../core/store'
import { sqliteFailureKind } from './failure'
import type { SqliteFile } from './open'
import type { SqliteOutbox } from './outbox'
import { type SessionRow, type Statements, toRow, toSession } from './statements'
import { write } from './transaction'

/** How long a session of each kind lives without use, in ms. */
export type IdleTimes = Record<AnySession['kind'], number>

/**
 * The sweep ends unused sessions this long after their idle time. It cannot be undone, so a clock
 * that is up to a day ahead must not cause it.
 */
const IDLE_MARGIN_MS = 24 * 3_600_000

/**
 * The sessions of the embedded store, and the entries of `remember`. Each write is a transaction,
 * or part of the current one. Publishes nothing.
 */
export class SqliteSessions {
  readonly #db: SqliteFile
  readonly #sql: Statements
  readonly #outbox: SqliteOutbox
  readonly #idle: IdleTimes | null

  constructor(db: SqliteFile, sql: Statements, { outbox, idle }: { outbox: SqliteOutbox; idle: IdleTimes | null }) {
    this.#db = db
    this.#sql = sql
    this.#outbox = outbox
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
   * If the file cannot be written, the use is not recorded and no error is thrown: the session may
   * end sooner.
   */
  touch(id: string, now: number): void {
    try {
      write(this.#db, () => this.#sql.touchSession.run(now, id))
    } catch (error) {
      if (sqliteFailureKind(error) === null) throw error
    }
  }

  /** Returns the session the first time, otherwise null. */
  acknowledge(id: string): AnySession | null {
    const { changes } = write(this.#db, () => this.#sql.acknowledge.run(id))
    return changes === 0 ? null : this.find(id)
  }

  /** Null: a session with this id exists. */
  insert(beginning: SessionStart): readonly EndedSession[] | null {
    return write(this.#db, () => this.#begin(beginning))
  }

  /** Null: the session is unknown, or was signed out before. */
  revoke(id: string, now: number, by: EndedBy): EndedSession | null {
    return write(this.#db, () => this.#revoke(id, now, by))
  }

  revokeAll(personId: string, { kind, exceptId, now, by }: RevokeAll): readonly EndedSession[] {
    return write(this.#db, () => {
      const ids = this.#sql.listIds.all(personId, kind, exceptId ?? '') as { id: string }[]
      return ids.map(({ id }) => this.#revoke(id, now, by)).filter((ended) => ended !== null)
    })
  }

  hasRevocation({ scope, entries, since }: RevocationMark): boolean {
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
   * Deletes expired rows and ends unused sessions, at most `limit` rows of each kind. Returns how
   * many.
   */
  sweep(now: number, limit: number): number {
    return write(this.#db, () => {
      const { sweepSessions, sweepRemembered, endUnused } = this.#sql
      let swept = sweepSessions.run(now, limit).changes + sweepRemembered.run(now, limit).changes
      for (const [kind, idleMs] of Object.entries(this.#idle ?? {})) {
        swept += endUnused.run(now, kind, now - idleMs - IDLE_MARGIN_MS, limit).changes
      }
      return swept
    })
  }

  #begin({ session, now, replaces, keeps, by, idleMs }: SessionStart): readonly EndedSession[] | null {
    if (session.kind === 'computer') this.#outbox.requireRoom()
    if (this.#sql.insertSession.run(...toRow(session)).changes === 0) return null
    if (session.kind === 'computer') this.#outbox.append(toCreatedEvent(session))
    const replaced = replaces === null ? null : this.#revoke(replaces, now, 'here')
    const ended: EndedSession[] = replaced === null ? [] : [replaced]
    const { id, kind, person } = session
    for (;;) {
      const surplus = this.#sql.findSurplus.get(person.id, kind, now, now - idleMs, id, keeps - 1)
      const one = surplus === undefined ? null : this.#revoke((surplus as { id: string }).id, now, by)
      if (one === null) return ended
      ended.push(one)
    }
  }

  #revoke(id: string, now: number, by: EndedBy): EndedSession | null {
    const session = this.find(id)
    if (session === null || this.#sql.revokeSession.run(now, by, id).changes === 0) return null
    if (session.kind === 'computer') this.#outbox.append(toRevokedEvent(id, session.person.id, by, now))
    if (session.kind === 'computer' && endsTrust(by)) {
      const { browserHash, person } = session
      // A record of an older version does not name its browser: all browsers are forgotten.
      if (browserHash === undefined) this.forgetOthers(person.id, null)
      else this.forget(person.id, browserHash)
    }
    return { session: { ...session, revokedAt: now, revokedBy: by }, by }
  }
}
