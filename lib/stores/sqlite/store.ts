import { join } from 'node:path'
import { type Attempt, attemptAt, forgetAt, isRunning, scannerOf } from '../../core/attempt/attempt'
import { type Counter, FullError, type Guard } from '../../core/rate-limit/limits'
import type { AnySession, ComputerSession, EndedBy, PhoneSession } from '../../core/session/session'
import {
  type AccountChange,
  type Beginning,
  type Change,
  type Changed,
  type Ended,
  MAX_ATTEMPTS,
  type RevokeAll,
  type Store,
  type Unwatch,
  type UpdateOptions,
  type Watched,
} from '../../core/store'
import { FanOut } from '../fan-out'
import { type Checked, LIMITS_ROOM, LIMITS_SCHEMA, SqliteLimits, type SqliteLimitsOptions } from './limits'
import { openSqlite, type SqliteFile, toStartError } from './open'
import { OpenFiles } from './open-files'
import { type IdleTimes, SqliteSessions } from './sessions'
import { prepare, SCHEMA, type Statements } from './statements'
import { write } from './transaction'
import { WalSync } from './wal-sync'

const NONE: readonly Ended[] = []

const FILE = 'qr-login.db'

export interface SqliteStoreOptions {
  /** Beyond these no more are taken. */
  maxAttempts?: number
  room?: SqliteLimitsOptions
  /** After how long without use the sweep shrinks a session. Null: never. */
  idle?: IdleTimes | null
}

/**
 * The embedded store: one SQLite file, synchronous inside (a read takes microseconds), durable across restarts.
 * Changes fan out in this process only, so it serves one process.
 */
export class SqliteStore implements Store {
  readonly #db: SqliteFile
  readonly #files: OpenFiles
  readonly #sync: WalSync
  readonly #attempts: FanOut<Attempt>
  readonly #accounts: FanOut<AccountChange>
  readonly #sql: Statements
  readonly #limits: SqliteLimits
  readonly #sessions: SqliteSessions
  readonly #maxAttempts: number
  #attemptCount: number

  /**
   * Opens or creates `{folder}/qr-login.db`. `onError` gets what listeners throw.
   * @throws StartError, see `openSqlite`.
   */
  constructor(folder: string, onError: (error: unknown) => void, options: SqliteStoreOptions = {}) {
    const { maxAttempts = MAX_ATTEMPTS, room = LIMITS_ROOM, idle = null } = options
    const path = join(folder, FILE)
    this.#attempts = new FanOut(onError)
    this.#accounts = new FanOut(onError)
    this.#db = openSqlite(folder, FILE, SCHEMA + LIMITS_SCHEMA)
    try {
      this.#sql = prepare(this.#db)
      this.#limits = new SqliteLimits(this.#db, room)
      this.#sessions = new SqliteSessions(this.#db, this.#sql, idle)
      this.#maxAttempts = maxAttempts
      this.#attemptCount = (this.#sql.countAttempts.get() as { n: number }).n
      // The first write makes the log.
      this.#sql.ping.run()
      this.#files = new OpenFiles([path, `${path}-wal`])
      this.#sync = new WalSync(`${path}-wal`)
    } catch (error) {
      this.#db.close()
      throw toStartError(path, error)
    }
  }

  take(counters: readonly Counter[], now: number): number {
    return this.#limits.take(counters, now)
  }

  giveBack(counters: readonly Counter[], now: number): void {
    this.#limits.giveBack(counters, now)
  }

  async takeOnce(key: string, until: number, now: number): Promise<boolean> {
    const isFirst = this.#limits.takeOnce(key, until, now)
    if (isFirst) await this.settle()
    return isFirst
  }

  insertAttempt(attempt: Attempt, guard?: Guard): void {
    if (this.#attemptCount >= this.#maxAttempts) throw new FullError('attempts')
    this.#writeCounted(guard, () => this.#insert(attempt, guard))
    this.#attemptCount += 1
  }

  findAttempt(id: string): Attempt | null {
    const row = this.#sql.findAttempt.get(id) as { data: string } | undefined
    return row === undefined ? null : (JSON.parse(row.data) as Attempt)
  }

  updateAttempt(id: string, change: (attempt: Attempt) => Change, options: UpdateOptions = {}): Changed | null {
    const { guard } = options
    let before = options.from ?? this.findAttempt(id)
    for (;;) {
      const changed = this.#decide(before, change, guard)
      if (before === null || changed === null) return null
      if (changed.attempt === before) return { ...changed, ended: NONE }
      const read = before
      const ended = this.#writeCounted(guard, () => this.#writeChange(read, changed, guard))
      if (ended !== null) {
        this.#publish(changed, ended)
        return { ...changed, ended }
      }
      before = this.findAttempt(id)
    }
  }

  watchAttempt(id: string, browserHash: string, listener: (attempt: Attempt) => void, now: number): Watched | null {
    const attempt = this.findAttempt(id)
    if (attempt === null || attempt.computer.browserHash !== browserHash) return null
    const isOver = !isRunning(attemptAt(attempt, now))
    return { attempt, unwatch: isOver ? () => {} : this.#attempts.watch(id, listener) }
  }

  insertSession(beginning: Beginning): readonly Ended[] | null {
    const ended = this.#sessions.insert(beginning)
    if (ended === null) return null
    this.#publishEnded(ended)
    const { kind, person } = beginning.session
    if (kind === 'computer') this.#accounts.publish(person.id, { type: 'sessions' })
    return ended
  }

  findSession(id: string): AnySession | null {
    return this.#sessions.find(id)
  }

  listSessions(personId: string, kind: 'computer'): ComputerSession[]
  listSessions(personId: string, kind: 'phone'): PhoneSession[]
  listSessions(personId: string, kind: AnySession['kind']): AnySession[] {
    return this.#sessions.list(personId, kind)
  }

  touchSession(id: string, now: number): void {
    this.#sessions.touch(id, now)
  }

  acknowledgeSession(id: string): void {
    const session = this.#sessions.acknowledge(id)
    if (session !== null) this.#accounts.publish(session.person.id, { type: 'sessions' })
  }

  revokeSession(id: string, now: number, by: EndedBy): AnySession | null {
    const ended = this.#sessions.revoke(id, now, by)
    if (ended === null) return null
    this.#publishEnded([ended])
    return ended.session
  }

  revokeSessions(personId: string, which: RevokeAll): readonly Ended[] {
    const ended = this.#sessions.revokeAll(personId, which)
    this.#publishEnded(ended)
    return ended
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#accounts.watch(personId, listener)
  }

  remember(who: string, what: string, until: number): void {
    this.#sessions.remember(who, what, until)
  }

  remembers(who: string, what: string, now: number): boolean {
    return this.#sessions.remembers(who, what, now)
  }

  forget(who: string, what: string): void {
    this.#sessions.forget(who, what)
  }

  forgetOthers(who: string, except: string | null): void {
    this.#sessions.forgetOthers(who, except)
  }

  get watching(): number {
    return this.#attempts.size + this.#accounts.size
  }

  sweep(now: number, limit: number): number {
    const attempts = write(this.#db, () => this.#sql.sweepAttempts.run(now, limit)).changes
    this.#attemptCount -= attempts
    return attempts + this.#sessions.sweep(now, limit) + this.#limits.sweep(now, limit)
  }

  /** What was written to files that are gone is not on the disk. */
  async settle(): Promise<void> {
    this.#files.check()
    await this.#sync.settle()
  }

  async ping(): Promise<void> {
    this.#files.check()
    write(this.#db, () => this.#sql.ping.run())
    await this.#sync.settle()
  }

  close(): void {
    this.#sync.close()
    if (this.#db.open) this.#db.close()
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

  /** What has to be counted with the write. Within its transaction. */
  #checkGuard(guard: Guard | undefined): Checked['counts'] {
    if (guard === undefined) return []
    const { waitMs, counts } = this.#limits.check(guard.counters, guard.now)
    if (waitMs > 0) throw guard.refuse(waitMs)
    return counts
  }

  #writeCounted<T>(guard: Guard | undefined, work: () => T): T {
    return guard === undefined ? write(this.#db, work) : this.#limits.transact(guard.now, work)
  }

  #insert(attempt: Attempt, guard: Guard | undefined): void {
    const counts = this.#checkGuard(guard)
    this.#sql.insertAttempt.run(attempt.id, attempt.version, forgetAt(attempt), JSON.stringify(attempt))
    if (guard !== undefined) this.#limits.count(counts, guard.now)
  }

  /** Null when another client was faster: nothing is written then. */
  #writeChange(before: Attempt, { attempt, begins }: Change, guard: Guard | undefined): readonly Ended[] | null {
    if (begins !== undefined && this.#sessions.isBarred(begins.bar)) throw begins.bar.refuse()
    const counts = this.#checkGuard(guard)
    const data = JSON.stringify(attempt)
    const values = [attempt.version, forgetAt(attempt), data, attempt.id, before.version]
    if (this.#sql.compareAndSet.run(...values).changes === 0) return null
    if (guard !== undefined) this.#limits.count(counts, guard.now)
    if (begins === undefined) return NONE
    const ended = this.#sessions.insert(begins)
    this.#sessions.remember(begins.session.person.id, attempt.computer.browserHash, begins.isKnownUntil)
    return ended ?? NONE
  }

  #publish({ attempt, begins }: Change, ended: readonly Ended[]): void {
    this.#attempts.publish(attempt.id, attempt)
    const phone = scannerOf(attempt)
    if (phone !== null) this.#accounts.publish(phone.person.id, { type: 'attempt', attempt })
    this.#publishEnded(ended)
    if (begins !== undefined) this.#accounts.publish(begins.session.person.id, { type: 'sessions' })
  }

  #publishEnded(ended: readonly Ended[]): void {
    for (const { session, by } of ended) {
      this.#accounts.publish(session.person.id, { type: 'revoked', sessionId: session.id, by })
    }
    const people = ended.filter(({ session }) => session.kind === 'computer').map(({ session }) => session.person.id)
    for (const personId of new Set(people)) this.#accounts.publish(personId, { type: 'sessions' })
  }
}
