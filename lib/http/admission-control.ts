/** How often a request samples the utilization of the event loop. */
const SAMPLE_EVERY_MS = 100

/** Utilization of the event loop above which requests are shed. */
const SATURATED = 0.9

/**
 * Requests admitted a second while saturated, and retries scheduled for one second: fewer, so that
 * a retry is admitted.
 */
const ADMITTED_PER_SECOND = 500
const SCHEDULED_PER_SECOND = 400

/** Requests admitted at once after a quiet moment. */
const BURST = 50

/** The longest retry delay. */
const MAX_DELAY_MS = 25_000

/**
 * Sheds load when the event loop is saturated: 503 with a staggered Retry-After, as when all
 * browsers reconnect after a crash. Without it every request is served late, times out and is sent
 * again.
 */
export class AdmissionControl {
  readonly #clock: () => number
  readonly #activeMs: () => number
  #sampledAt: number
  #activeMsAtSample: number
  #isSaturated = false
  #tokens = BURST
  #filledAt: number
  #nextRetryAt = 0

  /**
   * `clock`: monotonic, in ms; `activeMs`: how much of that time the event loop has been at work.
   */
  constructor(clock: () => number, activeMs: () => number) {
    this.#clock = clock
    this.#activeMs = activeMs
    this.#sampledAt = clock()
    this.#filledAt = this.#sampledAt
    this.#activeMsAtSample = activeMs()
  }

  /** Returns 0 if admitted, otherwise the retry delay in ms. */
  admit(): number {
    const now = this.#clock()
    this.#sample(now)
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) / 1_000) * ADMITTED_PER_SECOND)
    this.#filledAt = now
    if (!this.#isSaturated) return 0
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    this.#nextRetryAt = Math.max(now, this.#nextRetryAt) + 1_000 / SCHEDULED_PER_SECOND
    return Math.min(MAX_DELAY_MS, this.#nextRetryAt - now)
  }

  #sample(now: number): void {
    const elapsedMs = now - this.#sampledAt
    if (elapsedMs < SAMPLE_EVERY_MS) return
    const activeMs = this.#activeMs()
    this.#isSaturated = (activeMs - this.#activeMsAtSample) / elapsedMs > SATURATED
    this.#sampledAt = now
    this.#activeMsAtSample = activeMs
  }
}
