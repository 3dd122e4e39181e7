import { RedisFailure } from './redis'

const SYNC_EVERY_MS = 30_000

/** Until it was set for the first time. */
const FIRST_EVERY_MS = 500

/** An answer that took longer says too little about when it was made. */
const BEST_WITHIN_MS = 250

/**
 * The clock of a server that several processes share: this process's own, set right by what the server says. Lifetimes are the same on all
 * of them then, however far their own clocks are apart.
 */
export class SharedClock {
  readonly #readTime: () => Promise<number>
  readonly #local: () => number
  readonly #timer: ReturnType<typeof setInterval>
  readonly #first: ReturnType<typeof setInterval>
  #offsetMs = 0
  #isRight = false

  constructor(readTime: () => Promise<number>, local: () => number) {
    this.#readTime = readTime
    this.#local = local
    this.#timer = setInterval(() => void this.sync(), SYNC_EVERY_MS)
    this.#timer.unref()
    this.#first = setInterval(() => void this.check().catch(() => {}), FIRST_EVERY_MS)
    this.#first.unref()
  }

  readonly now = (): number => this.#local() + this.#offsetMs

  /** @throws when the clock was never set, and cannot be now: what it says is this process's own guess. */
  async check(): Promise<void> {
    if (!this.#isRight) await this.sync()
    if (!this.#isRight) throw new RedisFailure('the clock of the store is not known yet')
  }

  /** Asks the server. When it does not answer the clock goes on as it was. */
  async sync(): Promise<void> {
    const askedAt = this.#local()
    const time = await this.#readTime().catch(() => null)
    const tookMs = this.#local() - askedAt
    if (time === null || tookMs > BEST_WITHIN_MS) return
    this.#offsetMs = Math.round(time + tookMs / 2 - this.#local())
    this.#isRight = true
    clearInterval(this.#first)
  }

  stop(): void {
    clearInterval(this.#timer)
    clearInterval(this.#first)
  }
}
