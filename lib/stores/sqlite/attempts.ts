import { type Attempt, forgetAt } from '../../core/attempt/attempt'
import { needsRoom, toAttemptEvent } from '../../core/outbox/event'
import { FullError, type Guard } from '../../core/rate-limit/limits'
import type { Change, EndedSession } from '../../core/store'
import type { Checked, SqliteLimits } from './limits'
import type { SqliteFile } from './open'
import type { SqliteOutbox } from './outbox'
import type { SqliteSessions } from './sessions'
import type { Statements } from './statements'
import { write } from './transaction'

const NONE: readonly EndedSession[] = []

export interface SqliteAttemptsOptions {
  limits: SqliteLimits
  sessions: SqliteSessions
  outbox: SqliteOutbox
  /** The maximum number of attempts, ended ones included. */
  maxAttempts: number
}

/**
 * The attempts of the embedded store. Each write is one transaction, together with the counters of
 * its guard, its event, and the session that begins with it. Publishes nothing.
 */
export class SqliteAttempts {
  readonly #db: SqliteFile
  readonly #sql: Statements
  readonly #options: SqliteAttemptsOptions
  #stored: number

  constructor(db: SqliteFile, sql: Statements, options: SqliteAttemptsOptions) {
    this.#db = db
    this.#sql = sql
    this.#options = options
    this.#stored = (sql.countAttempts.get() as { n: number }).n
  }

  find(id: string): Attempt | null {
    const row = this.#sql.findAttempt.get(id) as { data: string } | undefined
    return row === undefined ? null : (JSON.parse(row.data) as Attempt)
  }

  /** See `Store.insertAttempt`. */
  insert(attempt: Attempt, guard: Guard | undefined): void {
    if (this.#stored >= this.#options.maxAttempts) throw new FullError('attempts')
    this.#writeCounted(guard, () => {
      const counts = this.#checkGuard(guard)
      this.#sql.insertAttempt.run(attempt.id, attempt.version, forgetAt(attempt), JSON.stringify(attempt))
      if (guard !== undefined) this.#options.limits.count(counts, guard.now)
    })
    this.#stored += 1
  }

  /** See `Store.compareAndSet`. Null: another write came first, and nothing was written. */
  compareAndSet(before: Attempt, change: Change, guard: Guard | undefined): readonly EndedSession[] | null {
    return this.#writeCounted(guard, () => this.#writeChange(before, change, guard))
  }

  /** Deletes at most `limit` expired attempts. Returns how many. */
  sweep(now: number, limit: number): number {
    const { changes } = write(this.#db, () => this.#sql.sweepAttempts.run(now, limit))
    this.#stored -= changes
    return changes
  }

  #writeCounted<T>(guard: Guard | undefined, work: () => T): T {
    return guard === undefined ? write(this.#db, work) : this.#options.limits.transact(guard.now, work)
  }

  #writeChange(before: Attempt, change: Change, guard: Guard | undefined): readonly EndedSession[] | null {
    const { attempt, begins } = change
    const { limits, sessions, outbox } = this.#options
    if (begins !== undefined && sessions.hasRevocation(begins.revocation)) throw begins.revocation.refuse()
    const counts = this.#checkGuard(guard)
    if (needsRoom(before, change)) outbox.requireRoom()
    const values = [attempt.version, forgetAt(attempt), JSON.stringify(attempt), attempt.id, before.version]
    if (this.#sql.compareAndSet.run(...values).changes === 0) return null
    if (guard !== undefined) limits.count(counts, guard.now)
    outbox.append(toAttemptEvent(attempt))
    if (begins === undefined) return NONE
    const ended = sessions.insert(begins)
    sessions.remember(begins.session.person.id, attempt.computer.browserHash, begins.isKnownUntil)
    return ended ?? NONE
  }

  /** Returns what has to be counted with the write. Call it within the transaction. */
  #checkGuard(guard: Guard | undefined): Checked['counts'] {
    if (guard === undefined) return []
    const { waitMs, counts } = this.#options.limits.check(guard.counters, guard.now)
    if (waitMs > 0) throw guard.refuse(waitMs)
    return counts
  }
}
