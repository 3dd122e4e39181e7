import type { Awaitable } from '../awaitable'

/** A limit within a fixed window, which begins with the first count. */
export interface Counter {
  /** The rule of the counter. Each rule has its own capacity. */
  rule: string
  /** Unique within the rule. */
  key: string
  /**
   * The keys under which processes with another first secret count the same client. Their counts
   * are added to the own count; nothing is written to them.
   */
  aliases?: readonly string[]
  limit: number
  windowMs: number
  /** False: the counter is only checked. */
  counts: boolean
}

/** A key to count a client by; its limit is `factor` times the limit of one client. */
export interface RateLimitKey {
  key: string
  factor: number
}

/** Counters of a write: the count and the write are one step, and happen together or not at all. */
export interface Guard {
  counters: readonly Counter[]
  /** Epoch ms. */
  now: number
  /** Creates the error that is thrown if a counter is full. `waitMs`: until it is free again. */
  refuse: (waitMs: number) => Error
}

/**
 * Counters, and keys that may be used once. Exact for any number of concurrent calls and processes
 * on one store. Capacity is bounded, and nothing is evicted within its window: if a rule has no
 * room for another counter, `take` throws `FullError` and the request is refused.
 */
export interface Limits {
  /**
   * Adds one to every counter, or to none if any of them is full. Returns 0 if counted, otherwise
   * the ms until the windows of all full counters have ended.
   * @throws FullError if a rule has no room for a new counter.
   */
  take(counters: readonly Counter[], now: number): Awaitable<number>
  /**
   * Subtracts one from every counter with `counts` whose window has not ended. Used when a counted
   * failure turns out to be a success.
   */
  giveBack(counters: readonly Counter[], now: number): Awaitable<void>
  /**
   * Returns true for the first call with this key until `until` (epoch ms), and false for all
   * others. On the embedded store a true result is on the disk.
   */
  takeOnce(key: string, until: number, now: number): Awaitable<boolean>
}

/** The maximum number of counters per rule, on every store. */
export const MAX_COUNTERS_PER_RULE = 500_000

/** The maximum number of used keys, on every store. An evicted key could be used twice. */
export const MAX_USED = 1_000_000

/** A capacity of the store is exhausted. The response is 503, as for a failing store. */
export class FullError extends Error {
  constructor(what: string) {
    super(`too many ${what}`)
    this.name = 'FullError'
  }
}
