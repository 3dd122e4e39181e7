/** Expired keys that one call drops at most, beyond as many as it adds. */
const SWEEP_KEYS = 16

export interface WindowCounterOptions {
  /** The length of a window, in ms. It begins with the first count of its key. */
  windowMs: number
  /** How many keys are counted at a time. None is evicted before its window ends. */
  maxKeys: number
  /** Monotonic, in ms. */
  now: () => number
}

/** A key to count, and how often a window has room for it. */
export interface CountedKey {
  key: string
  limit: number
}

interface Window {
  count: number
  endsAt: number
}

/**
 * Counts keys in fixed windows, in the memory of the process. It never evicts a key that counts:
 * without room for a new key it counts nothing and returns `full`.
 */
export class WindowCounter {
  readonly #options: WindowCounterOptions
  /** In the order in which the windows began, so that those that end first come first. */
  readonly #windows = new Map<string, Window>()

  constructor(options: WindowCounterOptions) {
    this.#options = options
  }

  /**
   * Counts every key once, or none of them. The keys of one call are distinct. Returns 0 when all
   * had room and are counted, the ms until all of them have room when one has reached its limit,
   * and `full` when there is no memory for a key that is not counted yet.
   */
  add(keys: readonly CountedKey[]): number | 'full' {
    const { windowMs, maxKeys, now: clock } = this.#options
    const now = clock()
    this.#sweep(now, keys.length + SWEEP_KEYS)
    let waitMs = 0
    let newKeys = 0
    for (const { key, limit } of keys) {
      const window = this.#find(key, now)
      if (window === undefined) newKeys += 1
      if ((window?.count ?? 0) + 1 > limit) waitMs = Math.max(waitMs, window ? window.endsAt - now : windowMs)
    }
    if (waitMs > 0) return waitMs
    if (this.#windows.size + newKeys > maxKeys) return 'full'
    for (const { key } of keys) {
      const window = this.#find(key, now)
      if (window === undefined) this.#windows.set(key, { count: 1, endsAt: now + windowMs })
      else window.count += 1
    }
    return 0
  }

  /** How many keys are in memory, the expired ones that no call has dropped yet included. */
  get size(): number {
    return this.#windows.size
  }

  /**
   * The running window of a key. One that has ended is dropped, so that a new one goes to the end
   * of the order.
   */
  #find(key: string, now: number): Window | undefined {
    const window = this.#windows.get(key)
    if (window === undefined || window.endsAt > now) return window
    this.#windows.delete(key)
    return undefined
  }

  #sweep(now: number, atMost: number): void {
    let left = atMost
    for (const [key, { endsAt }] of this.#windows) {
      if (endsAt > now || left === 0) return
      this.#windows.delete(key)
      left -= 1
    }
  }
}
