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

/** Counters that a write waits for: it is counted and made in one step, or neither. */
export interface Guard {
  counters: readonly Counter[]
  /** Epoch ms. */
  now: number
  /** What is thrown when one of them is full. */
  refuse: (waitMs: number) => Error
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
}
