/** Something that wants to be told when a moment has come. */
export interface Due {
  onDeadline(): void
}

const TICK_MS = 100

/**
 * One timer for any number of moments, to within 100 ms: a wheel of buckets that turns only while something is due.
 * Each `Due` has at most one deadline.
 */
export class Deadlines {
  readonly #buckets = new Map<number, Set<Due>>()
  readonly #bucketOf = new Map<Due, number>()
  readonly #now: () => number
  readonly #monotonicMs: () => number
  #timer: ReturnType<typeof setInterval> | null = null
  #turned = 0

  /** `now`: the clock of the deadlines, which may be set; `monotonicMs`: the clock that the wheel turns by. */
  constructor(now: () => number, monotonicMs: () => number = now) {
    this.#now = now
    this.#monotonicMs = monotonicMs
  }

  /** Sets or moves the deadline (epoch ms). One in the past is due at the next tick. */
  set(due: Due, at: number): void {
    this.delete(due)
    if (this.#timer === null) this.#start()
    const dueAt = this.#monotonicMs() + at - this.#now()
    const tick = Math.max(Math.ceil(dueAt / TICK_MS), this.#turned + 1)
    const bucket = this.#buckets.get(tick) ?? new Set()
    this.#buckets.set(tick, bucket.add(due))
    this.#bucketOf.set(due, tick)
  }

  delete(due: Due): void {
    const tick = this.#bucketOf.get(due)
    if (tick === undefined) return
    this.#bucketOf.delete(due)
    const bucket = this.#buckets.get(tick)
    bucket?.delete(due)
    if (bucket?.size === 0) this.#buckets.delete(tick)
    if (this.#bucketOf.size === 0) this.#stop()
  }

  get size(): number {
    return this.#bucketOf.size
  }

  #start(): void {
    this.#turned = Math.floor(this.#monotonicMs() / TICK_MS)
    this.#timer = setInterval(() => this.#turn(), TICK_MS)
    this.#timer.unref?.()
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #turn(): void {
    const tick = Math.floor(this.#monotonicMs() / TICK_MS)
    // After a long pause, walk the buckets rather than every tick of the gap.
    const ticks =
      tick - this.#turned > this.#buckets.size
        ? [...this.#buckets.keys()].filter((key) => key <= tick)
        : Array.from({ length: Math.max(0, tick - this.#turned) }, (_, index) => this.#turned + 1 + index)
    this.#turned = tick
    for (const key of ticks) {
      for (const due of [...(this.#buckets.get(key) ?? [])]) {
        this.delete(due)
        due.onDeadline()
      }
    }
  }
}
