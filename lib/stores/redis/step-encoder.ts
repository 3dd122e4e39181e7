import { type Attempt, forgetAt, scannerOf } from '../../core/attempt/attempt'
import { needsRoom, toAttemptEvent, toCreatedEvent } from '../../core/outbox/event'
import { type Counter, type Guard, MAX_COUNTERS_PER_RULE } from '../../core/rate-limit/limits'
import { endsTrust } from '../../core/session/session'
import { type Change, MAX_ATTEMPTS, MAX_REMEMBERED, type SessionStart } from '../../core/store'
import type { Step } from './client/batch'
import { toDocument } from './documents'
import { type RedisOutbox, toEntry } from './outbox'

export interface StepEncoderOptions {
  now: () => number
  /** The maximum time that an attempt is kept, in ms. */
  attemptLifeMs: number
  /** The maximum number of attempts, ended ones included. */
  maxAttempts?: number
  /** The maximum number of counters per rule. */
  maxCountersPerRule?: number
}

/**
 * Encodes writes as steps of the script; `documents.ts` decodes the replies. The function with the
 * name of the step, in `script-attempts.ts` or `script-sessions.ts`, receives its arguments.
 */
export class StepEncoder {
  readonly #options: StepEncoderOptions
  readonly #outbox: RedisOutbox

  constructor(options: StepEncoderOptions, outbox: RedisOutbox) {
    this.#options = options
    this.#outbox = outbox
  }

  /** The guard, if there is one, and the attempt. A full guard stops the group. */
  toInsert(attempt: Attempt, guard: Guard | undefined): Step[] {
    const { maxAttempts: max = MAX_ATTEMPTS, attemptLifeMs: lifeMs, now } = this.#options
    const guards = guard === undefined ? [] : [this.toTake(guard.counters, guard.now)]
    const attempts = { now: now(), lifeMs, max }
    return [...guards, ['insert', attempt.id, toDocument(attempt), this.#toTtl(forgetAt(attempt)), attempts]]
  }

  /**
   * The compare-and-set, which also counts the guard and appends the event. If a session begins
   * with the change, the check of its revocation comes first, and the session and its browser
   * follow the compare-and-set.
   */
  toCompareAndSet(before: Attempt, change: Change, guard: Guard | undefined): Step[] {
    const { attempt, begins } = change
    const person = scannerOf(attempt)?.person.id ?? ''
    const ttl = this.#toTtl(forgetAt(attempt))
    const guards = guard === undefined ? {} : { guard: { ...toCounted(guard), max: this.#maxCounters } }
    const options = { ...guards, ...this.#toOutbox(before, change) }
    const expected = String(before.version)
    const write: Step = ['compare and set', attempt.id, expected, toDocument(attempt), ttl, person, options]
    if (begins === undefined) return [write]
    const { session, isKnownUntil, now, revocation } = begins
    const remember = toRemember(session.person.id, attempt.computer.browserHash, isKnownUntil, now)
    return [
      ['has revocation', revocation.scope, revocation.entries, revocation.since],
      write,
      this.toBegin(begins),
      remember,
    ]
  }

  toBegin({ session, now, replaces, keeps, by, idleMs }: SessionStart): Step {
    const { id, kind, person, signedInAt, expiresAt } = session
    const browser = session.kind === 'computer' ? (session.browserHash ?? '') : ''
    const ends = { keeps, by, forgets: endsTrust(by), idleMs, tells: this.#outbox.isOn }
    const fields = { kind, person: person.id, browser, signedInAt, now, ...ends }
    const isTold = this.#outbox.isOn && session.kind === 'computer'
    const outbox = isTold ? { event: toEntry(toCreatedEvent(session)), maxEvents: this.#outbox.max } : {}
    const optional = replaces === null ? outbox : { ...outbox, replaces }
    return ['begin', id, JSON.stringify(session), this.#toTtl(expiresAt), { ...fields, ...optional }]
  }

  toTake(counters: readonly Counter[], now: number): Step {
    return ['take', counters, now, this.#maxCounters]
  }

  /** What the compare-and-set needs for the outbox. */
  #toOutbox(before: Attempt, change: Change): object {
    if (!this.#outbox.isOn) return {}
    const event = toAttemptEvent(change.attempt)
    const room = needsRoom(before, change) ? { maxEvents: this.#outbox.max } : {}
    return event === null ? room : { ...room, event: toEntry(event), at: event.at }
  }

  get #maxCounters(): number {
    return this.#options.maxCountersPerRule ?? MAX_COUNTERS_PER_RULE
  }

  /** The remaining time in whole ms, at least 1. */
  #toTtl(until: number): number {
    return Math.max(1, Math.ceil(until - this.#options.now()))
  }
}

function toCounted({ counters, now }: Guard) {
  return { counters, now }
}

export function toRemember(scope: string, entry: string, until: number, now: number): Step {
  return ['remember', scope, entry, until, now, MAX_REMEMBERED]
}
