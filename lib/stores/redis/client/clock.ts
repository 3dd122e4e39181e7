import { RedisFailure } from './redis'

const SYNC_INTERVAL_MS = 30_000

/** Interval of the tries before the first synchronization. */
const FIRST_SYNC_INTERVAL_MS = 500

/**
 * A reply with a longer round trip is imprecise. It adjusts the clock only if no earlier reply was
 * faster.
 */
const PRECISE_ROUND_TRIP_MS = 250

/** A larger difference is a step of the server's clock, or one wrong reply. */
const STEP_MS = 1_000

/** The clock follows a step when the replies of this long agree on it. */
const STEP_CONFIRM_MS = 250

/** After a suspected step, the time is requested again after this long. */
const RECHECK_MS = 300

export interface SharedClockOptions {
  /** Requests the server's time (epoch ms). */
  readTime: () => Promise<number>
  /** In ms, from any origin. Not affected by steps of this machine's clock. */
  monotonicMs: () => number
  /** Called after the clock has followed a step of the server's clock. `differenceMs`: the step. */
  onStep?: (differenceMs: number) => void
}

/**
 * The clock that several processes share: the server's time as last received, plus the monotonic
 * time since. So lifetimes are the same on all processes, even if their own clocks differ or are
 * set. The clock follows a step of the server's clock when replies agree on it for 250 ms.
 */
export class SharedClock {
  readonly #options: SharedClockOptions
  readonly #timer: ReturnType<typeof setInterval>
  readonly #first: ReturnType<typeof setInterval>
  #recheck: ReturnType<typeof setTimeout> | null = null
  #offsetMs: number
  #isSynced = false
  #steps = 0
  /** The shortest round trip so far. */
  #bestMs = Number.POSITIVE_INFINITY
  /** A suspected step: the offset that replies report since `at` (monotonic ms). */
  #suspected: { offsetMs: number; at: number } | null = null

  /** `guess`: the time to use until the first synchronization (epoch ms). */
  constructor(guess: number, options: SharedClockOptions) {
    this.#options = options
    this.#offsetMs = guess - options.monotonicMs()
    this.#timer = setInterval(() => void this.sync(), SYNC_INTERVAL_MS)
    this.#timer.unref()
    this.#first = setInterval(() => void this.check().catch(() => {}), FIRST_SYNC_INTERVAL_MS)
    this.#first.unref()
  }

  readonly now = (): number => Math.round(this.#options.monotonicMs() + this.#offsetMs)

  /** Whether the clock has received the server's time at least once. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  /** How many steps of the server's clock it has followed. */
  get steps(): number {
    return this.#steps
  }

  /**
   * @throws RedisFailure if the clock was never synchronized and cannot be now: its time is only
   * the guess of this process.
   */
  async check(): Promise<void> {
    if (!this.#isSynced) await this.sync()
    if (!this.#isSynced) throw new RedisFailure('the clock of the store is not known yet')
  }

  /** Requests the server's time. If the request fails, the clock continues unchanged. */
  async sync(): Promise<void> {
    const requestedAt = this.#options.monotonicMs()
    const time = await this.#options.readTime().catch(() => null)
    if (time === null) return
    const tookMs = this.#options.monotonicMs() - requestedAt
    const offsetMs = this.notice(time, requestedAt)
    const isStep = Math.abs(offsetMs - this.#offsetMs) > STEP_MS
    if (!isStep && tookMs <= Math.max(PRECISE_ROUND_TRIP_MS, this.#bestMs)) this.#offsetMs = offsetMs
    this.#bestMs = Math.min(this.#bestMs, tookMs)
  }

  /**
   * Call it with each reply that contains the server's time (epoch ms). Synchronizes a clock that
   * never was, and detects steps. `requestedAt`: when the request was sent (monotonic ms). Returns
   * the offset between the server's time and the monotonic time, in ms.
   */
  readonly notice = (time: number, requestedAt: number): number => {
    const now = this.#options.monotonicMs()
    const tookMs = now - requestedAt
    const offsetMs = time + tookMs / 2 - now
    const differenceMs = offsetMs - this.#offsetMs
    if (!this.#isSynced) this.#follow(offsetMs)
    else if (Math.abs(differenceMs) <= STEP_MS) this.#suspected = null
    else if (this.#suspected === null || Math.abs(offsetMs - this.#suspected.offsetMs) > STEP_MS) {
      this.#suspected = { offsetMs, at: now }
      this.#scheduleRecheck()
    } else if (now - this.#suspected.at >= STEP_CONFIRM_MS) {
      this.#follow(offsetMs)
      this.#steps += 1
      this.#options.onStep?.(Math.round(differenceMs))
    }
    return offsetMs
  }

  stop(): void {
    clearInterval(this.#timer)
    clearInterval(this.#first)
    if (this.#recheck !== null) clearTimeout(this.#recheck)
  }

  #follow(offsetMs: number): void {
    this.#offsetMs = offsetMs
    this.#isSynced = true
    this.#suspected = null
    clearInterval(this.#first)
  }

  #scheduleRecheck(): void {
    if (this.#recheck !== null) return
    this.#recheck = setTimeout(() => {
      this.#recheck = null
      void this.sync()
    }, RECHECK_MS)
    this.#recheck.unref()
  }
}
