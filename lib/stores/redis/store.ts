import type { Passkey } from '../../core/account/passkey'
import type { PersonRecord } from '../../core/account/person'
import type { Attempt } from '../../core/attempt/attempt'
import { type OutboxEvent, toAttemptEvent } from '../../core/outbox/event'
import type { Claim, ClaimRequest, Delivery } from '../../core/outbox/outbox-store'
import { type Counter, FullError, type Guard, MAX_USED } from '../../core/rate-limit/limits'
import type { FoundRecord, RecordCause, StoredRecord } from '../../core/record-store'
import {
  type AnySession,
  type ComputerSession,
  type EndedBy,
  endsTrust,
  type PhoneSession,
} from '../../core/session/session'
import type {
  AccountChange,
  Change,
  CompareAndSetResult,
  EndedSession,
  RevokeAll,
  SessionStart,
  Store,
  Unwatch,
  Watched,
} from '../../core/store'
import { Batch, type ServerClock } from './client/batch'
import type { Redis, Reply } from './client/redis'
import { checkGuard, FULL, FULL_OF_EVENTS, toAttempt, toSession } from './documents'
import { RedisOutbox } from './outbox'
import { RedisPasskeys } from './passkeys'
import { RedisRecords } from './records'
import { STEPS } from './script'
import { MAX_LISTED, SessionTrimmer, type SessionTrimmerOptions } from './session-trimmer'
import { StepEncoder, type StepEncoderOptions, toRemember } from './step-encoder'
import { RedisWatch } from './watch'

export interface RedisStoreOptions extends SessionTrimmerOptions, StepEncoderOptions {
  /** The number of events beyond which sign-ins are refused. */
  maxEvents?: number
  redis: Redis
  /** The prefix of all keys and channels, so that several apps can share one Redis. */
  prefix: string
  /** The name of this process, different after each start. */
  process: string
  /** By default `MAX_RECORDS`. */
  maxRecords?: number
  /** The clock behind `now` if it follows the server's time. Null: another clock. */
  clock?: ServerClock | null
}

/**
 * The shared store: one Redis for any number of processes. Each process subscribes to one channel
 * and receives only messages about what it watches. Messages are hints: watched attempts are read
 * again after each interruption, and periodically.
 */
export class RedisStore implements Store {
  readonly #options: RedisStoreOptions
  readonly #batch: Batch
  readonly #encoder: StepEncoder
  readonly #trimmer: SessionTrimmer
  readonly #watch: RedisWatch
  readonly #passkeys: RedisPasskeys
  readonly #records: RedisRecords
  readonly #outbox: RedisOutbox

  constructor(options: RedisStoreOptions) {
    const { redis, prefix, process, onError } = options
    this.#options = options
    this.#batch = new Batch(redis, STEPS, prefix, options.clock ?? null)
    this.#outbox = new RedisOutbox(this.#batch, options.maxEvents)
    this.#encoder = new StepEncoder(options, this.#outbox)
    this.#trimmer = new SessionTrimmer(this.#batch, options, this.#outbox)
    this.#passkeys = new RedisPasskeys(this.#batch)
    this.#records = new RedisRecords(this.#batch, options.maxRecords)
    this.#watch = new RedisWatch({
      now: options.now,
      onError,
      findAttempt: (id) => this.findAttempt(id),
      register: async (kind, id, ttlMs) => void (await this.#batch.run(['watch', kind, id, process, ttlMs])),
      readAndRegister: async (id, browserHash, ttlMs, now) => {
        const [document] = await this.#batch.run(['read and watch', id, browserHash, process, ttlMs, now])
        return toAttempt(document)
      },
      probeWrite: () => this.ping(),
    })
    redis.subscribe(`${prefix}m:${process}`, {
      onMessage: (message) => this.#watch.receive(message),
      onGap: () => this.#watch.rereadAll(),
    })
  }

  async take(counters: readonly Counter[], now: number): Promise<number> {
    const [waitMs] = await this.#batch.run(this.#encoder.toTake(counters, now))
    if (waitMs === FULL) throw new FullError('counters')
    return Number(waitMs)
  }

  async giveBack(counters: readonly Counter[], now: number): Promise<void> {
    await this.#batch.run(['give back', counters, now])
  }

  async takeOnce(key: string, until: number, now: number): Promise<boolean> {
    const [isFirst] = await this.#batch.run(['take once', key, until, now, MAX_USED])
    if (isFirst === FULL) throw new FullError('used keys')
    return isFirst === 1
  }

  async insertAttempt(attempt: Attempt, guard?: Guard): Promise<void> {
    const replies = await this.#batch.run(...this.#encoder.toInsert(attempt, guard))
    checkGuard(guard, replies)
    const written = replies.at(-1)
    if (written === FULL) throw new FullError('attempts')
    if (written !== 1) throw new Error('an attempt of this id exists')
  }

  async findAttempt(id: string): Promise<Attempt | null> {
    const [document] = await this.#batch.run(['find', id])
    return toAttempt(document)
  }

  async compareAndSet(before: Attempt, change: Change, guard?: Guard): Promise<CompareAndSetResult> {
    const { begins } = change
    const replies = await this.#batch.run(...this.#encoder.toCompareAndSet(before, change, guard))
    if (begins !== undefined && replies[0] === 1) throw begins.revocation.refuse()
    const [written, begun] = begins === undefined ? replies : replies.slice(1)
    if (written === FULL_OF_EVENTS) throw new FullError('events')
    if (written === 1) {
      if (begins !== undefined || toAttemptEvent(change.attempt) !== null) this.#outbox.notify()
      return { isWritten: true, ended: begins === undefined ? [] : this.#trimmer.afterBegin(begins, begun) }
    }
    if (written === FULL) throw new FullError('counters')
    if (guard !== undefined && typeof written === 'number') throw guard.refuse(-written)
    return { isWritten: false, current: toAttempt(written) }
  }

  watchAttempt(
    id: string,
    browserHash: string,
    listener: (attempt: Attempt) => void,
    now: number,
  ): Promise<Watched | null> {
    return this.#watch.attempt(id, browserHash, listener, now)
  }

  async insertSession(beginning: SessionStart): Promise<readonly EndedSession[] | null> {
    const [begun] = await this.#batch.run(this.#encoder.toBegin(beginning))
    if (begun === FULL_OF_EVENTS) throw new FullError('events')
    if (begun === null) return null
    this.#outbox.notify()
    return this.#trimmer.afterBegin(beginning, begun)
  }

  async findSession(id: string): Promise<AnySession | null> {
    const [found] = await this.#batch.run(['session', id])
    return toSession(found)
  }

  async listSessions(personId: string, kind: 'computer'): Promise<ComputerSession[]>
  async listSessions(personId: string, kind: 'phone'): Promise<PhoneSession[]>
  async listSessions(personId: string, kind: AnySession['kind']): Promise<AnySession[]> {
    const [found] = await this.#batch.run(['sessions', kind, personId, MAX_LISTED[kind]])
    const sessions = (found as Reply[]).map(toSession).filter((session) => session !== null)
    return sessions.sort((a, b) => b.signedInAt - a.signedInAt || (a.id < b.id ? -1 : 1))
  }

  async touchSession(id: string, now: number): Promise<void> {
    await this.#batch.run(['touch', id, now])
  }

  async acknowledgeSession(id: string): Promise<void> {
    await this.#batch.run(['acknowledge', id])
  }

  async revokeSession(id: string, now: number, by: EndedBy): Promise<AnySession | null> {
    const [revoked] = await this.#batch.run(['revoke', id, now, by, endsTrust(by), this.#outbox.isOn])
    if (revoked !== null) this.#outbox.notify()
    return toSession(revoked)
  }

  async revokeSessions(personId: string, { kind, exceptId, now, by }: RevokeAll): Promise<readonly EndedSession[]> {
    const options = { keeps: 0, except: exceptId ?? '', now, by, forgets: endsTrust(by) }
    return await this.#trimmer.trim(kind, personId, options)
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#watch.account(personId, listener)
  }

  async remember(scope: string, entry: string, until: number, now: number): Promise<void> {
    await this.#batch.run(toRemember(scope, entry, until, now))
  }

  async remembers(scope: string, entry: string, now: number): Promise<boolean> {
    const [isKnown] = await this.#batch.run(['remembers', scope, entry, now])
    return isKnown === 1
  }

  async forget(scope: string, entry: string): Promise<void> {
    await this.#batch.run(['forget', scope, entry])
  }

  async forgetOthers(scope: string, except: string | null): Promise<void> {
    await this.#batch.run(['forget others', scope, except ?? ''])
  }

  insertPasskey(passkey: Passkey): Promise<'exists' | 'full' | null> {
    return this.#passkeys.insert(passkey)
  }

  findPasskey(id: string): Promise<Passkey | null> {
    return this.#passkeys.find(id)
  }

  listPasskeys(personId: string): Promise<Passkey[]> {
    return this.#passkeys.list(personId)
  }

  recordPasskeyUse(id: string, counter: number, now: number): Promise<boolean> {
    return this.#passkeys.recordUse(id, counter, now)
  }

  renamePasskey(personId: string, id: string, name: string): Promise<boolean> {
    return this.#passkeys.rename(personId, id, name)
  }

  removePasskey(personId: string, id: string): Promise<boolean> {
    return this.#passkeys.remove(personId, id)
  }

  describePerson(person: PersonRecord): Promise<void> {
    return this.#passkeys.describePerson(person)
  }

  insertRecord(record: StoredRecord, now: number, cause: RecordCause): Promise<boolean> {
    return this.#records.insert(record, now, cause)
  }

  putRecord(record: StoredRecord, now: number): Promise<void> {
    return this.#records.put(record, now)
  }

  replaceRecord(record: StoredRecord, before: string, now: number): Promise<boolean> {
    return this.#records.replace(record, before, now)
  }

  findRecord(key: string, now: number): Promise<FoundRecord | null> {
    return this.#records.find(key, now)
  }

  listRecords(group: string, now: number): Promise<FoundRecord[]> {
    return this.#records.list(group, now)
  }

  consumeRecord(key: string, now: number): Promise<boolean> {
    return this.#records.consume(key, now)
  }

  removeRecord(key: string): Promise<boolean> {
    return this.#records.remove(key)
  }

  removeRecords(group: string): Promise<void> {
    return this.#records.removeGroup(group)
  }

  writeEvents(onWrite: () => void): void {
    this.#outbox.writeEvents(onWrite)
  }

  appendEvent(event: OutboxEvent, once: { key: string; until: number }): Promise<void> {
    return this.#outbox.appendOnce(event, once)
  }

  claimEvents(request: ClaimRequest): Promise<Claim[]> {
    return this.#outbox.claim(request)
  }

  completeClaim(claim: Claim, deliveries: readonly Delivery[], now: number): Promise<boolean> {
    return this.#outbox.complete(claim, deliveries, now)
  }

  retryClaim(claim: Claim, dueAt: number): Promise<boolean> {
    return this.#outbox.retry(claim, dueAt)
  }

  countEvents(): Promise<number> {
    return this.#outbox.count()
  }

  /** Reads the server's clock (epoch ms), which all processes share. */
  async readTime(): Promise<number> {
    const [time] = await this.#batch.runAtAnyTime(['time'])
    return Number(time)
  }

  get watching(): number {
    return this.#watch.size
  }

  /** Does nothing: every key has a TTL. */
  sweep(): number {
    return 0
  }

  /** Over HTTP it does nothing: such a service is responsible for its own replicas. */
  async confirmDurable(kind: 'sign-in' | 'ending'): Promise<void> {
    const { redis, prefix, process } = this.#options
    if (kind === 'ending') await redis.confirmDurable(`${prefix}h:${process}`)
  }

  async ping(): Promise<void> {
    await this.#batch.runAtAnyTime(['probe write', this.#options.process])
  }

  async close(): Promise<void> {
    this.#watch.close()
    await this.#options.redis.close()
  }
}
