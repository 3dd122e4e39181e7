import { type Attempt, forgetAt, scannerOf } from '../attempt/attempt'
import type { Counter, Guard } from '../limits/limits'
import { Batch, type Step } from '../redis/batch'
import type { Redis, Reply } from '../redis/redis'
import type { AnySession, ComputerSession } from '../session/session'
import { toAttempt, toDocument, toSession } from './redis-documents'
import { STEPS } from './redis-script'
import { RedisWatch } from './redis-watch'
import type { AccountChange, Change, Store, Unwatch, UpdateOptions } from './store'

export interface RedisStoreOptions {
  redis: Redis
  /** What all keys and channels begin with, so that several can share one Redis. */
  prefix: string
  /** The name of this process, another after each start. */
  process: string
  now: () => number
  onError: (error: unknown) => void
}

/**
 * The shared store: one Redis for any number of processes. Each process hears one channel, and about what it watches alone. Messages are
 * hints: what is watched is read again after each interruption, and every few seconds in any case.
 */
export class RedisStore implements Store {
  readonly #options: RedisStoreOptions
  readonly #batch: Batch
  readonly #watch: RedisWatch

  constructor(options: RedisStoreOptions) {
    const { redis, prefix, process, onError } = options
    this.#options = options
    this.#batch = new Batch(redis, STEPS, prefix)
    this.#watch = new RedisWatch({
      now: options.now,
      onError,
      findAttempt: (id) => this.findAttempt(id),
      say: async (kind, id, forMs) => void (await this.#batch.run(['watch', kind, id, process, String(forMs)])),
    })
    redis.listen(`${prefix}m:${process}`, {
      onMessage: (message) => this.#watch.hear(message),
      onGap: () => this.#watch.readAll(),
    })
  }

  async take(counters: readonly Counter[], now: number): Promise<number> {
    const [waitMs] = await this.#batch.run(toTake(counters, now))
    return Number(waitMs)
  }

  async takeOnce(key: string, until: number, now: number): Promise<boolean> {
    const [isFirst] = await this.#batch.run(['once', key, String(until), String(now)])
    return isFirst === 1
  }

  async insertAttempt(attempt: Attempt, guard?: Guard): Promise<void> {
    const insert: Step = ['insert', attempt.id, toDocument(attempt), this.#ttl(forgetAt(attempt))]
    const replies = await this.#batch.run(...toGuard(guard), insert)
    checkGuard(guard, replies)
    if (replies.at(-1) !== 1) throw new Error('an attempt of this id exists')
  }

  async findAttempt(id: string): Promise<Attempt | null> {
    const [document] = await this.#batch.run(['find', id])
    const attempt = toAttempt(document)
    this.#watch.note(attempt)
    return attempt
  }

  async updateAttempt(
    id: string,
    change: (attempt: Attempt) => Change,
    options: UpdateOptions = {},
  ): Promise<Change | null> {
    const { guard } = options
    let before = options.from ?? (await this.findAttempt(id))
    for (;;) {
      const changed = await this.#decide(before, change, guard)
      if (before === null || changed === null || changed.attempt === before) return changed
      const written = await this.#write(before, changed, guard)
      if (written === true) return changed
      before = written
    }
  }

  watchAttempt(id: string, listener: (attempt: Attempt) => void): Unwatch {
    return this.#watch.attempt(id, listener)
  }

  async insertSession(session: AnySession): Promise<boolean> {
    const [isNew] = await this.#batch.run(this.#toBegin(session))
    return isNew === 1
  }

  async findSession(id: string): Promise<AnySession | null> {
    const [found] = await this.#batch.run(['session', id])
    return toSession(found)
  }

  async listSessions(personId: string): Promise<ComputerSession[]> {
    const [found] = await this.#batch.run(['sessions', personId])
    const sessions = (found as Reply[]).map((each) => toSession(each) as ComputerSession)
    return sessions.sort((a, b) => b.signedInAt - a.signedInAt || (a.id < b.id ? -1 : 1))
  }

  async touchSession(id: string, now: number): Promise<void> {
    await this.#batch.run(['touch', id, String(now)])
  }

  async revokeSession(id: string, now: number): Promise<AnySession | null> {
    const [revoked] = await this.#batch.run(['revoke', id, String(now)])
    return toSession(revoked)
  }

  watchAccount(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#watch.account(personId, listener)
  }

  async rememberBrowser(personId: string, browserHash: string, until: number): Promise<void> {
    await this.#batch.run(this.#toRemember(personId, browserHash, until))
  }

  async isKnownBrowser(personId: string, browserHash: string, now: number): Promise<boolean> {
    const [isKnown] = await this.#batch.run(['knows', personId, browserHash, String(now)])
    return isKnown === 1
  }

  /** What the server's clock says (epoch ms): the one clock that all processes share. */
  async readTime(): Promise<number> {
    const [time] = await this.#batch.run(['time'])
    return Number(time)
  }

  /** Every key has its end: the server forgets by itself. */
  sweep(): number {
    return 0
  }

  async ping(): Promise<void> {
    await this.#options.redis.ping()
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
    if (guard !== undefined) checkGuard(guard, await this.#batch.run(...toGuard(guard)))
  }

  /** True when it was written, else what was there instead: somebody was faster. Nothing is written or counted then. */
  async #write(before: Attempt, { attempt, begins }: Change, guard: Guard | undefined): Promise<true | Attempt | null> {
    const person = scannerOf(attempt)?.person.id ?? ''
    const swap: Step = [
      'swap',
      attempt.id,
      String(before.version),
      toDocument(attempt),
      this.#ttl(forgetAt(attempt)),
      person,
    ]
    const look =
      guard === undefined
        ? []
        : [
            toTake(
              guard.counters.map((each) => ({ ...each, counts: false })),
              guard.now,
            ),
          ]
    const more: Step[] = [...toGuard(guard)]
    if (begins !== undefined) {
      const { session, isKnownUntil } = begins
      more.push(this.#toBegin(session), this.#toRemember(session.person.id, attempt.computer.browserHash, isKnownUntil))
    }
    const replies = await this.#batch.run(...look, swap, ...more)
    checkGuard(guard, replies)
    const swapped = replies[look.length]
    return swapped === 1 ? true : toAttempt(swapped)
  }

  #toBegin(session: AnySession): Step {
    const { id, kind, person, signedInAt, expiresAt } = session
    const score = kind === 'computer' ? String(signedInAt) : ''
    return ['begin', id, JSON.stringify(session), this.#ttl(expiresAt), person.id, score]
  }

  #toRemember(personId: string, browserHash: string, until: number): Step {
    return ['remember', personId, browserHash, String(until), String(this.#options.now())]
  }

  /** How long from now, in whole ms, at least one. */
  #ttl(until: number): string {
    return String(Math.max(1, Math.ceil(until - this.#options.now())))
  }
}

function toTake(counters: readonly Counter[], now: number): Step {
  return ['take', JSON.stringify(counters), String(now)]
}

function toGuard(guard: Guard | undefined): Step[] {
  return guard === undefined ? [] : [toTake(guard.counters, guard.now)]
}

/** A guard is the first step of its group; when it is full it is the last, too. */
function checkGuard(guard: Guard | undefined, [waitMs]: Reply[]): void {
  if (guard !== undefined && Number(waitMs) > 0) throw guard.refuse(Number(waitMs))
}
