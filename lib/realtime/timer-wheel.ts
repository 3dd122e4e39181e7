/** An object with at most one deadline in a timer wheel. */
export interface TimerListener {
  /** Called when the deadline has passed. */
  onTimer(): void
}

const TICK_MS = 100

/**
 * One timer for any number of deadlines, with a resolution of 100 ms: a wheel of buckets that turns
 * only while there are deadlines. Each listener has at most one deadline.
 */
export class TimerWheel {
  readonly #buckets = new Map<number, Set<TimerListener>>()
  readonly #bucketOf = new Map<TimerListener, number>()
  readonly #now: () => number
  readonly #monotonicMs: () => number
  #timer: ReturnType<typeof setInterval> | null = null
  /** The last tick that was processed. */
  #lastTick = 0

  /**
   * `now`: the clock of the deadlines, which may be set. `monotonicMs`: the clock that drives the
   * wheel.
   */
  constructor(now: () => number, monotonicMs: () => number = now) {
    this.#now = now
    this.#monotonicMs = monotonicMs
  }

  /** Sets or moves the deadline (epoch ms). A deadline in the past is due at the next tick. */
  set(listener: TimerListener, at: number): void {
    this.delete(listener)
    if (this.#timer === null) this.#start()
    const dueAt = this.#monotonicMs() + at - this.#now()
    const tick = Math.max(Math.ceil(dueAt / TICK_MS), this.#lastTick + 1)
    const bucket = this.#buckets.get(tick) ?? new Set()
    this.#buckets.set(tick, bucket.add(listener))
    this.#bucketOf.set(listener, tick)
  }

  delete(listener: TimerListener): void {
    const tick = this.#bucketOf.get(listener)
    if (tick === undefined) return
    this.#bucketOf.delete(listener)
    const bucket = this.#buckets.get(tick)
    bucket?.delete(listener)
    if (bucket?.size === 0) this.#buckets.delete(tick)
    if (this.#bucketOf.size === 0) this.#stop()
  }

  get size(): number {
    return this.#bucketOf.size
  }

  #start(): void {
    this.#lastTick = Math.floor(this.#monotonicMs() / TICK_MS)
    this.#timer = setInterval(() => this.#turn(), TICK_MS)
    this.#timer.unref?.()
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #turn(): void {
    const tick = Math.floor(this.#monotonicMs() / TICK_MS)
    // After a long pause, iterate over the buckets, not over every tick of the gap.
    const ticks =
      tick - this.#lastTick > this.#buckets.size
        ? [...this.#buckets.keys()].filter((key) => key <= tick)
        : Array.from({ length: Math.max(0, tick - this.#lastTick) }, (_, index) => this.#lastTick + 1 + index)
    this.#lastTick = tick
    for (const key of ticks) {
      for (const listener of [...(this.#buckets.get(key) ?? [])]) {
        this.delete(listener)
        listener.onTimer()
      }
    }
  }
}
