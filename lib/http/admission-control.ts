/** The event loop is looked at this often, when somebody comes. */
const LOOK_EVERY_MS = 100

/** Above this share of the time at work there is no room for all. */
const BUSY = 0.9

/** How many a second come in while it is busy, and how many are asked to come at one second: fewer, so that whoever was asked finds room. */
const ADMITTED_PER_SECOND = 500
const ASKED_PER_SECOND = 400

/** What may come in at once after a quiet moment. */
const BURST = 50

/** Nobody is sent away for longer. */
const MOST_WAIT_MS = 25_000

/**
 * Gives appointments when more come back at once than can be served at once, as after a crash. Without it all are served late, give up, ask
 * again, and nobody gets anywhere, those included who only want to sign in.
 */
export class Arrivals {
  readonly #clock: () => number
  readonly #activeMs: () => number
  #lookedAt: number
  #activeThen: number
  #isBusy = false
  #tokens = BURST
  #filledAt: number
  #nextAt = 0

  /** `clock`: monotonic, in ms; `activeMs`: how much of that time the event loop has been at work. */
  constructor(clock: () => number, activeMs: () => number) {
    this.#clock = clock
    this.#activeMs = activeMs
    this.#lookedAt = clock()
    this.#filledAt = this.#lookedAt
    this.#activeThen = activeMs()
  }

  /** 0: come in. Else after how many ms to come again. */
  admit(): number {
    const now = this.#clock()
    this.#look(now)
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) / 1_000) * ADMITTED_PER_SECOND)
    this.#filledAt = now
    if (!this.#isBusy) return 0
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    this.#nextAt = Math.max(now, this.#nextAt) + 1_000 / ASKED_PER_SECOND
    return Math.min(MOST_WAIT_MS, this.#nextAt - now)
  }

  #look(now: number): void {
    const forMs = now - this.#lookedAt
    if (forMs < LOOK_EVERY_MS) return
    const activeMs = this.#activeMs()
    this.#isBusy = (activeMs - this.#activeThen) / forMs > BUSY
    this.#lookedAt = now
    this.#activeThen = activeMs
  }
}
