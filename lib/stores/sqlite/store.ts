import { join } from 'node:path'
import type { Passkey } from '../../core/account/passkey'
import type { PersonRecord } from '../../core/account/person'
import { type Attempt, attemptAt, isRunning } from '../../core/attempt/attempt'
import {
  type AccountNotification,
  toAcknowledgedNotifications,
  toAttemptNotifications,
  toSessionNotifications,
} from '../../core/notifications'
import type { OutboxEvent } from '../../core/outbox/event'
import { type Claim, type ClaimRequest, type Delivery, MAX_EVENTS } from '../../core/outbox/outbox-store'
import type { Counter, Guard } from '../../core/rate-limit/limits'
import { type FoundRecord, MAX_RECORDS, type RecordCause, type StoredRecord } from '../../core/record-store'
import type { AnySession, ComputerSession, EndedBy, PhoneSession } from '../../core/session/session'
import {
  type AccountChange,
  type Change,
  type CompareAndSetResult,
  type EndedSession,
  MAX_ATTEMPTS,
  type RevokeAll,
  type SessionStart,
  type Store,
  type Unwatch,
  type Watched,
} from '../../core/store'
import { FanOut } from '../fan-out'
import { SqliteAttempts } from './attempts'
import { LIMITS_ROOM, LIMITS_SCHEMA, SqliteLimits, type SqliteLimitsOptions } from './limits'
import { openSqlite, type SqliteFile, toStartError } from './open'
import { OpenFiles } from './open-files'
import { OUTBOX_SCHEMA, SqliteOutbox } from './outbox'
import { PASSKEYS_SCHEMA, SqlitePasskeys } from './passkeys'
import { RECORDS_SCHEMA, SqliteRecords } from './records'
import { type IdleTimes, SqliteSessions } from './sessions'
import { prepare, SCHEMA, type Statements } from './statements'
import { write } from './transaction'
import { WalSync } from './wal-sync'

const FILE = 'qr-login.db'

export interface SqliteStoreOptions {
  /** The maximum number of attempts, ended ones included. */
  maxAttempts?: number
  maxRecords?: number
  /** The number of events beyond which sign-ins are refused. */
  maxEvents?: number
  room?: SqliteLimitsOptions
  /** The idle times after which, plus a day, the sweep ends a session. Null: never. */
  idle?: IdleTimes | null
}

/**
 * The embedded store: one SQLite file, synchronous inside (a read takes microseconds), durable
 * across restarts. Changes are published within this process only, so it serves one process.
 */
export class SqliteStore implements Store {
  readonly #db: SqliteFile
  readonly #files: OpenFiles
  readonly #sync: WalSync
  readonly #sql: Statements
  readonly #limits: SqliteLimits
  readonly #sessions: SqliteSessions
  readonly #attempts: SqliteAttempts
  readonly #passkeys: SqlitePasskeys
  readonly #records: SqliteRecords
  readonly #outbox: SqliteOutbox
  readonly #attemptListeners: FanOut<Attempt>
  readonly #accountListeners: FanOut<AccountChange>

  /**
   * Opens or creates `{folder}/qr-login.db`. `onError` receives the errors of listeners.
   * @throws StartError, see `openSqlite`.
   */
  constructor(folder: string, onError: (error: unknown) => void, options: SqliteStoreOptions = {}) {
    const { maxAttempts = MAX_ATTEMPTS, maxRecords = MAX_RECORDS, maxEvents = MAX_EVENTS } = options
    const { room = LIMITS_ROOM, idle = null } = options
    const path = join(folder, FILE)
    this.#attemptListeners = new FanOut(onError)
    this.#accountListeners = new FanOut(onError)
    this.#db = openSqlite(folder, FILE, SCHEMA + LIMITS_SCHEMA + PASSKEYS_SCHEMA + RECORDS_SCHEMA + OUTBOX_SCHEMA)
    try {
      this.#sql = prepare(this.#db)
      this.#limits = new SqliteLimits(this.#db, room)
      this.#outbox = new SqliteOutbox(this.#db, this.#limits, maxEvents)
      this.#sessions = new SqliteSessions(this.#db, this.#sql, { outbox: this.#outbox, idle })
      const parts = { limits: this.#limits, sessions: this.#sessions, outbox: this.#outbox }
      this.#attempts = new SqliteAttempts(this.#db, this.#sql, { ...parts, maxAttempts })
      this.#passkeys = new SqlitePasskeys(this.#db)
      this.#records = new SqliteRecords(this.#db, maxRecords)
      // The first write creates the log.
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
    if (isFirst) await this.confirmDurable()
    return isFirst
  }

  insertAttempt(attempt: Attempt, guard?: Guard): void {
    this.#attempts.insert(attempt, guard)
  }

  findAttempt(id: string): Attempt | null {
    return this.#attempts.find(id)
  }

  compareAndSet(before: Attempt, change: Change, guard?: Guard): CompareAndSetResult {
    const ended = this.#attempts.compareAndSet(before, change, guard)
    if (ended === null) return { isWritten: false, current: this.findAttempt(before.id) }
    this.#attemptListeners.publish(change.attempt.id, change.attempt)
    this.#publish(toAttemptNotifications(change, ended))
    return { isWritten: true, ended }
  }

  watchAttempt(id: string, browserHash: string, listener: (attempt: Attempt) => void, now: number): Watched | null {
    const attempt = this.findAttempt(id)
    if (attempt === null || attempt.computer.browserHash !== browserHash) return null
    const isOver = !isRunning(attemptAt(attempt, now))
    return { attempt, unwatch: isOver ? () => {} : this.#attemptListeners.watch(id, listener) }
  }

  insertSession(beginning: SessionStart): readonly EndedSession[] | null {
    const ended = this.#sessions.insert(beginning)
    if (ended !== null) this.#publish(toSessionNotifications(ended, beginning.session))
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
    if (session !== null) this.#publish(toAcknowledgedNotifications(session))
  }

  revokeSession(id: string, now: number, by: EndedBy): AnySession | null {
    const ended = this.#sessions.revoke(id, now, by)
    if (ended === null) return null
    this.#publish(toSessionNotifications([ended], null))
    return ended.session
  }

  revokeSessions(personId: string, which: RevokeAll): readonly EndedSession[] {
    const ended = this.#sessions.revokeAll(personId, which)
    this.#publish(toSessionNotifications(ended, null))
    return ended
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#accountListeners.watch(personId, listener)
  }

  remember(scope: string, entry: string, until: number): void {
    this.#sessions.remember(scope, entry, until)
  }

  remembers(scope: string, entry: string, now: number): boolean {
    return this.#sessions.remembers(scope, entry, now)
  }

  forget(scope: string, entry: string): void {
    this.#sessions.forget(scope, entry)
  }

  forgetOthers(scope: string, except: string | null): void {
    this.#sessions.forgetOthers(scope, except)
  }

  insertPasskey(passkey: Passkey): 'exists' | 'full' | null {
    return this.#passkeys.insert(passkey)
  }

  findPasskey(id: string): Passkey | null {
    return this.#passkeys.find(id)
  }

  listPasskeys(personId: string): Passkey[] {
    return this.#passkeys.list(personId)
  }

  recordPasskeyUse(id: string, counter: number, now: number): boolean {
    return this.#passkeys.recordUse(id, counter, now)
  }

  renamePasskey(personId: string, id: string, name: string): boolean {
    return this.#passkeys.rename(personId, id, name)
  }

  removePasskey(personId: string, id: string): boolean {
    return this.#passkeys.remove(personId, id)
  }

  describePerson(person: PersonRecord): void {
    this.#passkeys.describePerson(person)
  }

  insertRecord(record: StoredRecord, now: number, cause: RecordCause): boolean {
    return this.#records.insert(record, now, cause)
  }

  putRecord(record: StoredRecord): void {
    this.#records.put(record)
  }

  replaceRecord(record: StoredRecord, before: string, now: number): boolean {
    return this.#records.replace(record, before, now)
  }

  findRecord(key: string, now: number): FoundRecord | null {
    return this.#records.find(key, now)
  }

  listRecords(group: string, now: number): FoundRecord[] {
    return this.#records.list(group, now)
  }

  consumeRecord(key: string, now: number): boolean {
    return this.#records.consume(key, now)
  }

  removeRecord(key: string): boolean {
    return this.#records.remove(key)
  }

  removeRecords(group: string): void {
    this.#records.removeGroup(group)
  }

  writeEvents(onWrite: () => void): void {
    this.#outbox.writeEvents(onWrite)
  }

  appendEvent(event: OutboxEvent, once: { key: string; until: number }): void {
    this.#outbox.appendOnce(event, once)
    this.#outbox.notify()
  }

  claimEvents(request: ClaimRequest): Claim[] {
    return this.#outbox.claim(request)
  }

  completeClaim(claim: Claim, deliveries: readonly Delivery[], now: number): boolean {
    return this.#outbox.complete(claim, deliveries, now)
  }

  retryClaim(claim: Claim, dueAt: number): boolean {
    return this.#outbox.retry(claim, dueAt)
  }

  countEvents(): number {
    return this.#outbox.count()
  }

  get watching(): number {
    return this.#attemptListeners.size + this.#accountListeners.size
  }

  sweep(now: number, limit: number): number {
    const parts = [this.#attempts, this.#sessions, this.#limits, this.#records, this.#outbox]
    return parts.reduce((sum, part) => sum + part.sweep(now, limit), 0)
  }

  /** Fails if the files were deleted or replaced: writes to them are not durable. */
  async confirmDurable(): Promise<void> {
    this.#files.check()
    await this.#sync.confirmDurable()
  }

  async ping(): Promise<void> {
    this.#files.check()
    write(this.#db, () => this.#sql.ping.run())
    await this.#sync.confirmDurable()
  }

  close(): void {
    this.#sync.close()
    if (this.#db.open) this.#db.close()
  }

  /** Call it after each change: it also reports that events were written. */
  #publish(notifications: readonly AccountNotification[]): void {
    this.#outbox.notify()
    for (const { personId, change } of notifications) this.#accountListeners.publish(personId, change)
  }
}
