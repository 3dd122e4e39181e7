import { type Attempt, forgetAt, scannerOf } from '../../core/attempt/attempt'
import { type Counter, type Guard, MAX_COUNTERS_PER_RULE } from '../../core/rate-limit/limits'
import { endsTrust } from '../../core/session/session'
import { type Beginning, type Change, MAX_ATTEMPTS, MAX_REMEMBERED } from '../../core/store'
import type { Step } from './client/batch'
import { toDocument } from './documents'

export interface StepEncoderOptions {
  now: () => number
  /** How long an attempt is kept at most, in ms. */
  attemptLifeMs: number
  /** Attempts that are taken at most, ended ones included. */
  maxAttempts?: number
  /** Counters that each rule has at most. */
  maxCountersPerRule?: number
}

/**
 * Encodes what is written as steps of the script; `documents.ts` decodes its replies. Each step has
 * the arguments of the function of its name in `script-attempts.ts` or `script-sessions.ts`.
 */
export class StepEncoder {
  readonly #options: StepEncoderOptions

  constructor(options: StepEncoderOptions) {
    this.#options = options
  }

  /**
   * The guard, where there is one, and the attempt: where the guard is full, no attempt follows.
   */
  toInsert(attempt: Attempt, guard: Guard | undefined): Step[] {
    const { maxAttempts: most = MAX_ATTEMPTS, attemptLifeMs: lifeMs, now } = this.#options
    const guards = guard === undefined ? [] : [this.toTake(guard.counters, guard.now)]
    const attempts = { now: now(), lifeMs, most }
    return [...guards, ['insert', attempt.id, toDocument(attempt), this.#toTtl(forgetAt(attempt)), attempts]]
  }

  /**
   * The swap, which counts the guard too. Where a session begins with the change: first whether it
   * is barred, and after the swap the session and its browser.
   */
  toCompareAndSet(before: Attempt, { attempt, begins }: Change, guard: Guard | undefined): Step[] {
    const person = scannerOf(attempt)?.person.id ?? ''
    const ttl = this.#toTtl(forgetAt(attempt))
    const guards = guard === undefined ? [] : [{ counters: guard.counters, now: guard.now, most: this.#maxCounters }]
    const swap: Step = ['swap', attempt.id, String(before.version), toDocument(attempt), ttl, person, ...guards]
    if (begins === undefined) return [swap]
    const { session, isKnownUntil, now, bar } = begins
    const remember = toRemember(session.person.id, attempt.computer.browserHash, isKnownUntil, now)
    return [['barred', bar.scope, bar.entries, bar.since], swap, this.toBegin(begins), remember]
  }

  toBegin({ session, now, replaces, keeps, by, idleMs }: Beginning): Step {
    const { id, kind, person, signedInAt, expiresAt } = session
    const browser = session.kind === 'computer' ? (session.browserHash ?? '') : ''
    const facts = { kind, person: person.id, browser, signedInAt, now, keeps, by, forgets: endsTrust(by), idleMs }
    const fields = replaces === null ? facts : { ...facts, replaces }
    return ['begin', id, JSON.stringify(session), this.#toTtl(expiresAt), fields]
  }

  toTake(counters: readonly Counter[], now: number): Step {
    return ['take', counters, now, this.#maxCounters]
  }

  get #maxCounters(): number {
    return this.#options.maxCountersPerRule ?? MAX_COUNTERS_PER_RULE
  }

  /** How long from now, in whole ms, at least one. */
  #toTtl(until: number): number {
    return Math.max(1, Math.ceil(until - this.#options.now()))
  }
}

export function toRemember(scope: string, entry: string, until: number, now: number): Step {
  return ['remember', scope, entry, until, now, MAX_REMEMBERED]
}
