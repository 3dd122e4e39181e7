import { type Attempt, forgetAt, scannerOf } from '../../core/attempt/attempt'
import { type Counter, FullError, type Guard, MAX_COUNTERS_PER_RULE, MAX_USED } from '../../core/rate-limit/limits'
import {
  type AnySession,
  type ComputerSession,
  type EndedBy,
  endsTrust,
  type PhoneSession,
} from '../../core/session/session'
import {
  type AccountChange,
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
} from '../../core/store'
import { Batch, type ServerClock, type Step } from './client/batch'
import type { Redis, Reply } from './client/redis'
import { checkGuard, FULL, toAttempt, toDocument, toSession } from './documents'
import { MOST_LISTED, RedisEndings, type RedisEndingsOptions } from './endings'
import { STEPS } from './script'
import { RedisWatch } from './watch'

export interface RedisStoreOptions extends RedisEndingsOptions {
  redis: Redis
  /** What all keys and channels begin with, so that several can share one Redis. */
  prefix: string
  /** The name of this process, another after each start. */
  process: string
  now: () => number
  /** Where `now` comes from the server itself. Null: from elsewhere. */
  clock?: ServerClock | null
  /** How long an attempt is kept at most, in ms. */
  attemptLifeMs: number
  /** Attempts that are taken at most, ended ones included. */
  maxAttempts?: number
  /** Counters that each rule has at most. */
  maxCountersPerRule?: number
}

/**
 * The shared store: one Redis for any number of processes. Each process hears one channel, and about what it watches alone. Messages are
 * hints: what is watched is read again after each interruption, and every few seconds in any case.
 */
export class RedisStore implements Store {
  readonly #options: RedisStoreOptions
  readonly #batch: Batch
  readonly #endings: RedisEndings
  readonly #watch: RedisWatch

  constructor(options: RedisStoreOptions) {
    const { redis, prefix, process, onError } = options
    this.#options = options
    this.#batch = new Batch(redis, STEPS, prefix, options.clock ?? null)
    this.#endings = new RedisEndings(this.#batch, options)
    this.#watch = new RedisWatch({
      now: options.now,
      onError,
      findAttempt: (id) => this.findAttempt(id),
      watch: async (kind, id, forMs) => void (await this.#batch.run(['watch', kind, id, process, forMs])),
      readAndWatch: async (id, browserHash, forMs, now) => {
        const [document] = await this.#batch.run(['read and watch', id, browserHash, process, forMs, now])
        return toAttempt(document)
      },
      here: () => this.ping(),
    })
    redis.listen(`${prefix}m:${process}`, {
      onMessage: (message) => this.#watch.hear(message),
      onGap: () => this.#watch.readAll(),
    })
  }

  async take(counters: readonly Counter[], now: number): Promise<number> {
    const [waitMs] = await this.#batch.run(this.#toTake(counters, now))
    if (waitMs === FULL) throw new FullError('counters')
    return Number(waitMs)
  }

  async giveBack(counters: readonly Counter[], now: number): Promise<void> {
    await this.#batch.run(['give back', counters, now])
  }

  async takeOnce(key: string, until: number, now: number): Promise<boolean> {
    const [isFirst] = await this.#batch.run(['once', key, until, now, MAX_USED])
    if (isFirst === FULL) throw new FullError('used keys')
    return isFirst === 1
  }

  async insertAttempt(attempt: Attempt, guard?: Guard): Promise<void> {
    const { maxAttempts: most = MAX_ATTEMPTS, now } = this.#options
    const attempts = { now: now(), lifeMs: this.#options.attemptLifeMs, most }
    const insert: Step = ['insert', attempt.id, toDocument(attempt), this.#ttl(forgetAt(attempt)), attempts]
    const replies = await this.#batch.run(...this.#toGuard(guard), insert)
    checkGuard(guard, replies)
    const written = replies.at(-1)
    if (written === FULL) throw new FullError('attempts')
    if (written !== 1) throw new Error('an attempt of this id exists')
  }

  async findAttempt(id: string): Promise<Attempt | null> {
    const [document] = await this.#batch.run(['find', id])
    return toAttempt(document)
  }

  async updateAttempt(
    id: string,
    change: (attempt: Attempt) => Change,
    options: UpdateOptions = {},
  ): Promise<Changed | null> {
    const { guard } = options
    let before = options.from ?? (await this.findAttempt(id))
    for (;;) {
      const changed = await this.#decide(before, change, guard)
      if (before === null || changed === null) return null
      if (changed.attempt === before) return { ...changed, ended: [] }
      const written = await this.#write(before, changed, guard)
      if (Array.isArray(written)) return { ...changed, ended: written }
      before = written
    }
  }

  watchAttempt(
    id: string,
    browserHash: string,
    listener: (attempt: Attempt) => void,
    now: number,
  ): Promise<Watched | null> {
    return this.#watch.attempt(id, browserHash, listener, now)
  }

  async insertSession(beginning: Beginning): Promise<readonly Ended[] | null> {
    const [begun] = await this.#batch.run(this.#toBegin(beginning))
    return begun === null ? null : this.#endings.onBegun(beginning, begun)
  }

  async findSession(id: string): Promise<AnySession | null> {
    const [found] = await this.#batch.run(['session', id])
    return toSession(found)
  }

  async listSessions(personId: string, kind: 'computer'): Promise<ComputerSession[]>
  async listSessions(personId: string, kind: 'phone'): Promise<PhoneSession[]>
  async listSessions(personId: string, kind: AnySession['kind']): Promise<AnySession[]> {
    const [found] = await this.#batch.run(['sessions', kind, personId, MOST_LISTED[kind]])
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
    const [revoked] = await this.#batch.run(['revoke', id, now, by, endsTrust(by)])
    return toSession(revoked)
  }

  async revokeSessions(personId: string, { kind, exceptId, now, by }: RevokeAll): Promise<readonly Ended[]> {
    const which = { keeps: 0, except: exceptId ?? '', now, by, forgets: endsTrust(by) }
    return await this.#endings.trim(kind, personId, which)
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#watch.account(personId, listener)
  }

  async remember(who: string, what: string, until: number, now: number): Promise<void> {
    await this.#batch.run(toRemember(who, what, until, now))
  }

  async remembers(who: string, what: string, now: number): Promise<boolean> {
    const [isKnown] = await this.#batch.run(['remembers', who, what, now])
    return isKnown === 1
  }

  async forget(who: string, what: string): Promise<void> {
    await this.#batch.run(['forget', who, what])
  }

  async forgetOthers(who: string, except: string | null): Promise<void> {
    await this.#batch.run(['forget others', who, except ?? ''])
  }

  /** What the server's clock says (epoch ms): the one clock that all processes share. */
  async readTime(): Promise<number> {
    const [time] = await this.#batch.runAtAnyTime(['time'])
    return Number(time)
  }

  get watching(): number {
    return this.#watch.size
  }

  /** Every key has its end: the server forgets by itself. */
  sweep(): number {
    return 0
  }

  /** Over TCP. Over HTTP it does nothing: such a service answers for its own replicas. */
  async settle(what: 'sign-in' | 'ending'): Promise<void> {
    const { redis, prefix, process } = this.#options
    if (what === 'ending') await redis.replicate(`${prefix}h:${process}`)
  }

  async ping(): Promise<void> {
    await this.#batch.runAtAnyTime(['here', this.#options.process])
  }

  async close(): Promise<void> {
    this.#watch.close()
    await this.#options.redis.close()
  }

  /** Where nothing will be written the guard is counted by itself: repeats and refusals count too. */
  async #decide(
    before: Attempt | null,
    change: (attempt: Attempt) => Change,
    guard: Guard | undefined,
  ): Promise<Change | null> {
    let changed: Change | null
    try {
      changed = before === null ? null : change(before)
    } catch (error) {
      await this.#pass(guard)
      throw error
    }
    if (changed === null || changed.attempt === before) await this.#pass(guard)
    return changed
  }

  async #pass(guard: Guard | undefined): Promise<void> {
    if (guard !== undefined) checkGuard(guard, await this.#batch.run(...this.#toGuard(guard)))
  }

  /** The sessions that ended with it; or, where another process was faster, the attempt that is there: then nothing is written or counted. */
  async #write(
    before: Attempt,
    { attempt, begins }: Change,
    guard: Guard | undefined,
  ): Promise<Ended[] | Attempt | null> {
    const person = scannerOf(attempt)?.person.id ?? ''
    const ttl = this.#ttl(forgetAt(attempt))
    const counted = guard === undefined ? [] : [this.#toCounted(guard)]
    const swap: Step = ['swap', attempt.id, String(before.version), toDocument(attempt), ttl, person, ...counted]
    const more: Step[] = []
    if (begins !== undefined) {
      const { session, isKnownUntil, now } = begins
      const hash = attempt.computer.browserHash
      more.push(this.#toBegin(begins), toRemember(session.person.id, hash, isKnownUntil, now))
    }
    const bar: Step[] = begins === undefined ? [] : [['barred', begins.bar.who, begins.bar.whats, begins.bar.since]]
    const replies = await this.#batch.run(...bar, swap, ...more)
    if (begins !== undefined && replies[0] === 1) throw begins.bar.refuse()
    const [swapped, begun] = replies.slice(bar.length)
    if (swapped === 1) return begins === undefined ? [] : this.#endings.onBegun(begins, begun)
    if (swapped === FULL) throw new FullError('counters')
    if (guard !== undefined && typeof swapped === 'number') throw guard.refuse(-swapped)
    return toAttempt(swapped)
  }

  #toBegin({ session, now, replaces, keeps, by, idleMs }: Beginning): Step {
    const { id, kind, person, signedInAt, expiresAt } = session
    const browser = session.kind === 'computer' ? (session.browserHash ?? '') : ''
    const facts = { kind, person: person.id, browser, signedInAt, now, keeps, by, forgets: endsTrust(by), idleMs }
    const fields = replaces === null ? facts : { ...facts, replaces }
    return ['begin', id, JSON.stringify(session), this.#ttl(expiresAt), fields]
  }

  #toTake(counters: readonly Counter[], now: number): Step {
    return ['take', counters, now, this.#options.maxCountersPerRule ?? MAX_COUNTERS_PER_RULE]
  }

  #toCounted({ counters, now }: Guard): object {
    return { counters, now, most: this.#options.maxCountersPerRule ?? MAX_COUNTERS_PER_RULE }
  }

  #toGuard(guard: Guard | undefined): Step[] {
    return guard === undefined ? [] : [this.#toTake(guard.counters, guard.now)]
  }

  /** How long from now, in whole ms, at least one. */
  #ttl(until: number): number {
    return Math.max(1, Math.ceil(until - this.#options.now()))
  }
}

function toRemember(who: string, what: string, until: number, now: number): Step {
  return ['remember', who, what, until, now, MAX_REMEMBERED]
}
