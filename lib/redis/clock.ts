const SYNC_EVERY_MS = 30_000

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
  #offsetMs = 0

  constructor(readTime: () => Promise<number>, local: () => number) {
    this.#readTime = readTime
    this.#local = local
    this.#timer = setInterval(() => void this.sync(), SYNC_EVERY_MS)
    this.#timer.unref()
  }

  readonly now = (): number => this.#local() + this.#offsetMs

  /** Asks the server. When it does not answer the clock goes on as it was. */
  async sync(): Promise<void> {
    const askedAt = this.#local()
    const time = await this.#readTime().catch(() => null)
    const tookMs = this.#local() - askedAt
    if (time !== null && tookMs <= BEST_WITHIN_MS) this.#offsetMs = Math.round(time + tookMs / 2 - this.#local())
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
