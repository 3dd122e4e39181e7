import { type Attempt, attemptAt, forgetAt, isRunning, scannerOf } from '../attempt/attempt'
import { type Counter, FullError, type Guard } from '../limits/limits'
import { type Checked, LIMITS_ROOM, LIMITS_SCHEMA, SqliteLimits, type SqliteLimitsOptions } from '../limits/sqlite'
import { type AnySession, type ComputerSession, type EndedBy, endsTrust, type PhoneSession } from '../session/session'
import { openSqlite, type SqliteFile } from '../sqlite/open'
import { FanOut } from './fan-out'
import { prepare, SCHEMA, type SessionRow, toRow, toSession } from './sqlite-statements'
import {
  type AccountChange,
  type Bar,
  type Beginning,
  type Change,
  type Changed,
  type Ended,
  MAX_ATTEMPTS,
  MAX_REMEMBERED,
  type RevokeAll,
  type Store,
  type Unwatch,
  type UpdateOptions,
  type Watched,
} from './store'

const NONE: readonly Ended[] = []

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
  readonly #write: (before: Attempt, change: Change, guard: Guard | undefined) => readonly Ended[] | null
  readonly #insert: (attempt: Attempt, guard: Guard | undefined) => void
  readonly #begin: (beginning: Beginning) => readonly Ended[] | null
  readonly #revokeOne: (id: string, now: number, by: EndedBy) => Ended | null
  readonly #revokeAll: (personId: string, which: RevokeAll) => readonly Ended[]
  readonly #maxAttempts: number
  #attemptCount: number

  /** Opens or creates `{folder}/qr-login.db`. `onError` gets what listeners throw. Beyond `maxAttempts` no more are taken. */
  constructor(
    folder: string,
    onError: (error: unknown) => void,
    maxAttempts = MAX_ATTEMPTS,
    room: SqliteLimitsOptions = LIMITS_ROOM,
  ) {
    this.#attempts = new FanOut(onError)
    this.#accounts = new FanOut(onError)
    this.#db = openSqlite(folder, 'qr-login.db', SCHEMA + LIMITS_SCHEMA)
    this.#sql = prepare(this.#db)
    this.#limits = new SqliteLimits(this.#db, room)
    this.#write = this.#db.transaction((before: Attempt, change: Change, guard: Guard | undefined) =>
      this.#writeChange(before, change, guard),
    ).immediate
    this.#insert = this.#db.transaction((attempt: Attempt, guard: Guard | undefined) => {
      const counts = this.#checkGuard(guard)
      this.#sql.insertAttempt.run(attempt.id, attempt.version, forgetAt(attempt), JSON.stringify(attempt))
      if (guard !== undefined) this.#limits.count(counts, guard.now)
    }).immediate
    this.#begin = this.#db.transaction((beginning: Beginning) => this.#beginSession(beginning)).immediate
    this.#revokeOne = this.#db.transaction((id: string, now: number, by: EndedBy) =>
      this.#revoke(id, now, by),
    ).immediate
    this.#revokeAll = this.#db.transaction((personId: string, which: RevokeAll) =>
      this.#revokeOthers(personId, which),
    ).immediate
    this.#maxAttempts = maxAttempts
    this.#attemptCount = (this.#sql.countAttempts.get() as { n: number }).n
  }

  take(counters: readonly Counter[], now: number): number {
    return this.#limits.take(counters, now)
  }

  giveBack(counters: readonly Counter[], now: number): void {
    this.#limits.giveBack(counters, now)
  }

  takeOnce(key: string, until: number, now: number): boolean {
    return this.#limits.takeOnce(key, until, now)
  }

  insertAttempt(attempt: Attempt, guard?: Guard): void {
    if (this.#attemptCount >= this.#maxAttempts) throw new FullError('attempts')
    if (guard === undefined) this.#insert(attempt, guard)
    else this.#limits.transact(guard.now, () => this.#insert(attempt, guard))
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
      const write = () => this.#write(read, changed, guard)
      const ended = guard === undefined ? write() : this.#limits.transact(guard.now, write)
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
    const ended = this.#begin(beginning)
    if (ended === null) return null
    this.#publishEnded(ended)
    const { kind, person } = beginning.session
    if (kind === 'computer') this.#accounts.publish(person.id, { type: 'sessions' })
    return ended
  }

  findSession(id: string): AnySession | null {
    const row = this.#sql.findSession.get(id) as SessionRow | undefined
    return row === undefined ? null : toSession(row)
  }

  listSessions(personId: string, kind: 'computer'): ComputerSession[]
  listSessions(personId: string, kind: 'phone'): PhoneSession[]
  listSessions(personId: string, kind: AnySession['kind']): AnySession[] {
    return (this.#sql.listSessions.all(personId, kind) as SessionRow[]).map(toSession)
  }

  touchSession(id: string, now: number): void {
    this.#sql.touchSession.run(now, id)
  }

  acknowledgeSession(id: string): void {
    if (this.#sql.acknowledge.run(id).changes === 0) return
    const session = this.findSession(id)
    if (session !== null) this.#accounts.publish(session.person.id, { type: 'sessions' })
  }

  revokeSession(id: string, now: number, by: EndedBy): AnySession | null {
    const ended = this.#revokeOne(id, now, by)
    if (ended === null) return null
    this.#publishEnded([ended])
    return ended.session
  }

  revokeSessions(personId: string, which: RevokeAll): readonly Ended[] {
    const ended = this.#revokeAll(personId, which)
    this.#publishEnded(ended)
    return ended
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#accounts.watch(personId, listener)
  }

  remember(who: string, what: string, until: number): void {
    this.#sql.remember.run(who, what, until)
    const oldest = this.#sql.findOldest.get(who, MAX_REMEMBERED) as { browser_hash: string } | undefined
    if (oldest !== undefined) this.forget(who, oldest.browser_hash)
  }

  remembers(who: string, what: string, now: number): boolean {
    return this.#sql.remembers.get(who, what, now) !== undefined
  }

  forget(who: string, what: string): void {
    this.#sql.forget.run(who, what)
  }

  forgetOthers(who: string, except: string | null): void {
    this.#sql.forgetOthers.run(who, except ?? '')
  }

  get watching(): number {
    return this.#attempts.size + this.#accounts.size
  }

  sweep(now: number, limit: number): number {
    const { sweepAttempts, sweepSessions, sweepRemembered } = this.#sql
    const attempts = sweepAttempts.run(now, limit).changes
    this.#attemptCount -= attempts
    const others = [sweepSessions, sweepRemembered].reduce((sum, sql) => sum + sql.run(now, limit).changes, 0)
    return attempts + others + this.#limits.sweep(now, limit)
  }

  settle(): void {}

  ping(): void {
    this.#sql.ping.get()
  }

  close(): void {
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

  #isBarred({ who, whats, since }: Bar): boolean {
    return whats.some((what) => this.#sql.remembers.get(who, what, since) !== undefined)
  }

  /** What has to be counted with the write. Within its transaction. */
  #checkGuard(guard: Guard | undefined): Checked['counts'] {
    if (guard === undefined) return []
    const { waitMs, counts } = this.#limits.check(guard.counters, guard.now)
    if (waitMs > 0) throw guard.refuse(waitMs)
    return counts
  }

  /** Null when another client was faster: nothing is written then. */
  #writeChange(before: Attempt, { attempt, begins }: Change, guard: Guard | undefined): readonly Ended[] | null {
    if (begins !== undefined && this.#isBarred(begins.bar)) throw begins.bar.refuse()
    const counts = this.#checkGuard(guard)
    const data = JSON.stringify(attempt)
    const values = [attempt.version, forgetAt(attempt), data, attempt.id, before.version]
    if (this.#sql.compareAndSet.run(...values).changes === 0) return null
    if (guard !== undefined) this.#limits.count(counts, guard.now)
    if (begins === undefined) return NONE
    const ended = this.#beginSession(begins)
    this.remember(begins.session.person.id, attempt.computer.browserHash, begins.isKnownUntil)
    return ended ?? NONE
  }

  /** Null when there is a session of this id. */
  #beginSession({ session, now, replaces, keeps, by, idleMs }: Beginning): readonly Ended[] | null {
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

  #revokeOthers(personId: string, { kind, exceptId, now, by }: RevokeAll): readonly Ended[] {
    const ids = (this.#sql.listIds.all(personId, kind, exceptId ?? '') as { id: string }[]).map(({ id }) => id)
    return ids.map((id) => this.#revoke(id, now, by)).filter((ended) => ended !== null)
  }

  /** Without telling its account. */
  #revoke(id: string, now: number, by: EndedBy): Ended | null {
    if (this.#sql.revokeSession.run(now, by, id).changes === 0) return null
    const session = this.findSession(id)
    if (session === null) return null
    if (session.kind === 'computer' && endsTrust(by)) {
      const { browserHash, person } = session
      // A record of an older version does not say by which browser: then none is trusted any more.
      if (browserHash === undefined) this.forgetOthers(person.id, null)
      else this.forget(person.id, browserHash)
    }
    return { session, by }
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
