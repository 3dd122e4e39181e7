/** Embedded answers are there at once; shared ones answer later. Callers `await` either. */
type Awaitable<T> = T | Promise<T>

/** How often something may happen within a fixed window, which begins with the first time. */
export interface Counter {
  key: string
  limit: number
  windowMs: number
  /** False: only looked at, not counted. */
  counts: boolean
}

/**
 * Counts, and remembers what may happen once. Exact under any parallelism and with any number of processes on one store.
 * Memory is bounded: when too many keys are alive, those that end soonest are forgotten.
 */
export interface Limits {
  /**
   * Counts one more in each counter, or, when any of them is full, in none. 0 when granted, else the ms until the last of the full
   * ones begins anew.
   */
  take(counters: readonly Counter[], now: number): Awaitable<number>
  /** True for the first call with this key until `until` (epoch ms), false for all others. Is durable when it answers. */
  takeOnce(key: string, until: number, now: number): Awaitable<boolean>
  /** Forgets what is over, at most `limit` rows of each kind. Returns how many it forgot. */
  sweep(now: number, limit: number): Awaitable<number>
  close(): Awaitable<void>
}
