import { uptime } from 'node:os'
import { performance } from 'node:perf_hooks'

/** The machine's clock is compared this often. */
const LOOK_EVERY_MS = 500

/**
 * A difference beyond this is a step of the machine's clock; within it the difference is followed.
 */
const STEP_MS = 1_000

/** The time of a process. */
export interface Clock {
  /** Epoch ms, for lifetimes. Continuous: it goes on when the machine's clock is set. */
  now: () => number
  /** Epoch ms, as the machine's clock has it. */
  wall: () => number
  /** In ms, from any origin. For differences. */
  monotonicMs: () => number
  /** The machine's clock minus `now()`, in ms: 0 unless it was set since the start. */
  readonly offsetMs: number
  /** How often it was set since the start. */
  readonly steps: number
  stop: () => void
}

export interface SteadyClockOptions {
  /** Called when the machine's clock was set, with its new distance to this clock, in ms. */
  onStep: (offsetMs: number) => void
  /** The machine's clock (epoch ms). */
  wall?: () => number
  /** Time since the start of the process in ms, without the time that the machine slept. */
  monotonicMs?: () => number
  /** Time since the machine was started in s, with the time that it slept. */
  uptimeS?: () => number
}

/**
 * The machine's clock as it was at the start of the process, and from there the time that has
 * passed. A clock that is set by a day ends no session, revives no code and locks no client out:
 * lifetimes are differences. Time that the machine slept has passed, too. What other parties have
 * dated (tokens, signatures) is compared with the machine's clock itself.
 */
export class SteadyClock implements Clock {
  readonly wall: () => number
  readonly monotonicMs: () => number
  readonly #uptimeS: () => number
  readonly #onStep: (offsetMs: number) => void
  readonly #timer: ReturnType<typeof setInterval>
  #baseMs: number
  #latest = 0
  #steps = 0
  #offsetMs = 0
  #uptimeThen: number
  #monotonicThen: number

  constructor({
    onStep,
    wall = Date.now,
    monotonicMs = () => performance.now(),
    uptimeS = uptime,
  }: SteadyClockOptions) {
    this.wall = wall
    this.monotonicMs = monotonicMs
    this.#uptimeS = uptimeS
    this.#onStep = onStep
    this.#baseMs = wall() - monotonicMs()
    this.#uptimeThen = uptimeS()
    this.#monotonicThen = monotonicMs()
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  readonly now = (): number => {
    this.#latest = Math.max(this.#latest, Math.round(this.monotonicMs() + this.#baseMs))
    return this.#latest
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  get steps(): number {
    return this.#steps
  }

  /** Compares the clocks now. */
  look(): void {
    this.#addSleep()
    const offsetMs = this.wall() - this.now()
    if (Math.abs(offsetMs) <= STEP_MS) {
      // A clock that was set back to where it was is right again.
      if (this.#offsetMs !== 0) this.#step(0)
      this.#baseMs += offsetMs
    } else if (Math.abs(offsetMs - this.#offsetMs) > STEP_MS) this.#step(offsetMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #step(offsetMs: number): void {
    this.#offsetMs = offsetMs
    this.#steps += 1
    this.#onStep(offsetMs)
  }

  /** The monotonic clock stands still while the machine sleeps. */
  #addSleep(): void {
    const [uptimeNow, monotonicNow] = [this.#uptimeS(), this.monotonicMs()]
    const sleptMs = (uptimeNow - this.#uptimeThen) * 1_000 - (monotonicNow - this.#monotonicThen)
    this.#uptimeThen = uptimeNow
    this.#monotonicThen = monotonicNow
    if (sleptMs > STEP_MS) this.#baseMs += sleptMs
  }
}
