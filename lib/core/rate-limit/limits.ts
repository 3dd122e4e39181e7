import type { Awaitable } from '../awaitable'

/** How often something may happen within a fixed window, which begins with the first time. */
export interface Counter {
  /** The rule that it belongs to. Each rule has its own room. */
  rule: string
  /** Unique among all counters. */
  key: string
  /**
   * The keys under which processes with another first secret count the same. What they have counted
   * counts here too; nothing is written there.
   */
  aliases?: readonly string[]
  limit: number
  windowMs: number
  /** False: only looked at, not counted. */
  counts: boolean
}

/** Counters that a write waits for: it is counted and made in one step, or neither. */
export interface Guard {
  counters: readonly Counter[]
  /** Epoch ms. */
  now: number
  /** What is thrown when one of them is full. */
  refuse: (waitMs: number) => Error
}

/**
 * Counts, and remembers what may happen once. Exact under any parallelism and with any number of
 * processes on one store. Memory is bounded and nothing is forgotten while it counts: when a rule
 * has no room for another counter, `take` throws `FullError`, and the request is refused.
 */
export interface Limits {
  /**
   * Counts one more in each counter, or, when any of them is full, in none. 0 when granted, else
   * the ms until the last of the full ones begins anew.
   * @throws FullError when a rule has no room for a counter that is new.
   */
  take(counters: readonly Counter[], now: number): Awaitable<number>
  /**
   * Takes back one of each counter that counts, where its window is not over: what was counted
   * turned out well.
   */
  giveBack(counters: readonly Counter[], now: number): Awaitable<void>
  /**
   * True for the first call with this key until `until` (epoch ms), false for all others. Is
   * durable when it answers.
   */
  takeOnce(key: string, until: number, now: number): Awaitable<boolean>
}

/** Counters that one rule keeps at most, on every store. */
export const MAX_COUNTERS_PER_RULE = 500_000

/** Used keys that are kept at most, on every store. To forget one would be to allow it twice. */
export const MAX_USED = 1_000_000

/** There is no room for one more. Answered as a store that fails: 503. */
export class FullError extends Error {
  constructor(what: string) {
    super(`too many ${what}`)
    this.name = 'FullError'
  }
}
