import { RedisFailure } from './redis'

const SYNC_EVERY_MS = 30_000

/** Until it was set for the first time. */
const FIRST_EVERY_MS = 500

/**
 * An answer that took longer says little about when it was made: it is followed only where none is
 * faster.
 */
const BEST_WITHIN_MS = 250

/** A difference beyond this is a step of the server's clock, or one wrong answer. */
const STEP_MS = 1_000

/** A step is followed when the answers of so long agree on it… */
const SURE_AFTER_MS = 250

/** …and the server is asked after this long, where no other answer has come. */
const ASK_AGAIN_MS = 300

export interface SharedClockOptions {
  /** Asks the server for its time (epoch ms). */
  readTime: () => Promise<number>
  /** In ms, from any origin. Steps of this machine's clock do not reach it. */
  monotonicMs: () => number
  /** Called when the server's clock was set and is followed, with the difference in ms. */
  onStep?: (differenceMs: number) => void
}

/**
 * The clock of a server that several processes share: what the server said last, and the time that
 * has passed here since. Lifetimes are the same on all processes, however far their own clocks are
 * apart, and whenever these are set. A step of the server's clock is followed when answers agree on
 * it for a quarter of a second.
 */
export class SharedClock {
  readonly #options: SharedClockOptions
  readonly #timer: ReturnType<typeof setInterval>
  readonly #first: ReturnType<typeof setInterval>
  #askAgain: ReturnType<typeof setTimeout> | null = null
  #offsetMs: number
  #isRight = false
  #steps = 0
  /** How long the fastest answer took. */
  #bestMs = Number.POSITIVE_INFINITY
  /** An offset that answers have told of since `at` (monotonic ms), and not for long enough yet. */
  #suspected: { offsetMs: number; at: number } | null = null

  /** `guess`: the time until the server has said it (epoch ms). */
  constructor(guess: number, options: SharedClockOptions) {
    this.#options = options
    this.#offsetMs = guess - options.monotonicMs()
    this.#timer = setInterval(() => void this.sync(), SYNC_EVERY_MS)
    this.#timer.unref()
    this.#first = setInterval(() => void this.check().catch(() => {}), FIRST_EVERY_MS)
    this.#first.unref()
  }

  readonly now = (): number => Math.round(this.#options.monotonicMs() + this.#offsetMs)

  /** Whether the server has said its time yet. */
  get isRight(): boolean {
    return this.#isRight
  }

  /** How often the server's clock was set, and followed. */
  get steps(): number {
    return this.#steps
  }

  /**
   * @throws when the clock was never set, and cannot be now: what it says is this process's own
   * guess.
   */
  async check(): Promise<void> {
    if (!this.#isRight) await this.sync()
    if (!this.#isRight) throw new RedisFailure('the clock of the store is not known yet')
  }

  /** Asks the server. When it does not answer the clock goes on as it was. */
  async sync(): Promise<void> {
    const askedAt = this.#options.monotonicMs()
    const time = await this.#options.readTime().catch(() => null)
    if (time === null) return
    const tookMs = this.#options.monotonicMs() - askedAt
    const offsetMs = this.notice(time, askedAt)
    const isStep = Math.abs(offsetMs - this.#offsetMs) > STEP_MS
    if (!isStep && tookMs <= Math.max(BEST_WITHIN_MS, this.#bestMs)) this.#offsetMs = offsetMs
    this.#bestMs = Math.min(this.#bestMs, tookMs)
  }

  /**
   * To be called with each answer of the server that holds its time (epoch ms): sets a clock that
   * was never set, and notices a step. `askedAt`: when the server was asked (monotonic ms). Returns
   * the distance of the two clocks.
   */
  readonly notice = (time: number, askedAt: number): number => {
    const now = this.#options.monotonicMs()
    const tookMs = now - askedAt
    const offsetMs = time + tookMs / 2 - now
    const differenceMs = offsetMs - this.#offsetMs
    if (!this.#isRight) this.#follow(offsetMs)
    else if (Math.abs(differenceMs) <= STEP_MS) this.#suspected = null
    else if (this.#suspected === null || Math.abs(offsetMs - this.#suspected.offsetMs) > STEP_MS) {
      this.#suspected = { offsetMs, at: now }
      this.#askSoon()
    } else if (now - this.#suspected.at >= SURE_AFTER_MS) {
      this.#follow(offsetMs)
      this.#steps += 1
      this.#options.onStep?.(Math.round(differenceMs))
    }
    return offsetMs
  }

  stop(): void {
    clearInterval(this.#timer)
    clearInterval(this.#first)
    if (this.#askAgain !== null) clearTimeout(this.#askAgain)
  }

  #follow(offsetMs: number): void {
    this.#offsetMs = offsetMs
    this.#isRight = true
    this.#suspected = null
    clearInterval(this.#first)
  }

  #askSoon(): void {
    if (this.#askAgain !== null) return
    this.#askAgain = setTimeout(() => {
      this.#askAgain = null
      void this.sync()
    }, ASK_AGAIN_MS)
    this.#askAgain.unref()
  }
}
