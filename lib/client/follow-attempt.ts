import type { AttemptView, CodeView } from '../core/attempt/views'
import type { Refused } from './api'
import { backoffMs } from './backoff'
import { pause } from './pause'
import { browserNetwork, createLadder, type Network } from './transports/ladder'
import type { Transport, TurnEnd } from './transports/transport'

/** A connection that lived this long was a good one; its end is not held against its transport. */
const GOOD_CONNECTION_MS = 30_000
const FAILURES_BEFORE_STEP_DOWN = 2
const READ_TIMEOUT_MS = 5_000
/**
 * On a lower rung the best one is tried again after this time, then after twice as long, and so on.
 */
const CLIMB_AFTER_MS = 30_000
const CLIMB_AFTER_MOST_MS = 300_000

export interface AttemptListener {
  /** A state that is newer than, or the same as, the last one. */
  onAttempt(attempt: AttemptView): void
  onCode(code: CodeView): void
  /** Whether the server can be reached. */
  onLink(isUp: boolean): void
  /** The server has refused for good: this attempt is not ours, or does not exist any more. */
  onRefused(refused: Refused): void
}

/**
 * Follows one attempt until it ends or `stop` is called, by the best transport that works: steps
 * down the ladder when one fails, and tries to climb back from time to time. Never gives up by
 * itself.
 */
export class AttemptFollower {
  readonly #path: string
  readonly #listener: AttemptListener
  readonly #network: Network
  readonly #ladder: readonly Transport[]
  /** Index in the ladder. */
  #rung = 0
  #version: number
  /** Connections of this transport that broke early, in a row. */
  #transportFailures = 0
  /** Reads of the state that failed, in a row. */
  #readFailures = 0
  /** How long to wait before anything else: after a failure, or because the server asks for it. */
  #restMs = 0
  /** Whether the state has to be read before the next turn of a transport. */
  #isStale: boolean
  /** The server has sent `bye`, and when to come back: it may not be there again by then. */
  #isReturning = false
  #steppedDownAt = 0
  #climbAfterMs = CLIMB_AFTER_MS
  #isStopped = false
  /** Ends the current wait: a turn of a transport, an answer, or a pause. */
  #wait = new AbortController()

  /** `isStale`: the attempt was not made just now. */
  constructor(attempt: AttemptView, isStale: boolean, listener: AttemptListener, network: Network = browserNetwork) {
    this.#path = `/api/qr/${attempt.id}`
    this.#version = attempt.version
    this.#isStale = isStale
    this.#listener = listener
    this.#network = network
    this.#ladder = createLadder(network)
    void this.#run()
  }

  /** No listener is called any more. */
  stop(): void {
    this.#isStopped = true
    this.#wait.abort()
  }

  /**
   * Reads the state at once and opens a new connection: after sleep, a lost network, or a page out
   * of the back/forward cache an old one may look open and be dead.
   */
  wake(): void {
    this.#readFailures = 0
    this.#transportFailures = 0
    this.#restMs = 0
    this.#isStale = true
    this.#wait.abort()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#restMs > 0) {
        await pause(this.#restMs, this.#startWait())
        this.#restMs = 0
        continue
      }
      if (this.#isStale && !(await this.#read())) continue
      if (this.#isStopped) return
      this.#isStale = true
      await this.#takeTurn()
      this.#climb()
    }
  }

  async #takeTurn(): Promise<void> {
    const transport = this.#ladder[this.#rung] as Transport
    const signal = this.#startWait()
    const isReturning = this.#isReturning
    this.#isReturning = false
    const end = await transport({
      path: this.#path,
      version: this.#version,
      isReturning,
      signal,
      onAttempt: (attempt) => this.#deliver(attempt),
      onCode: (code) => this.#listener.onCode(code),
    })
    if (!signal.aborted) this.#judge(end)
  }

  #judge(end: TurnEnd): void {
    if (end.type === 'bye') {
      this.#restMs = end.retryMs
      // All clients come back then: the first event has the state, and spares the server a request
      // of each.
      this.#isStale = false
      this.#isReturning = true
    } else if (end.type === 'failed') {
      if (end.livedMs !== null && end.livedMs > GOOD_CONNECTION_MS) {
        this.#transportFailures = 0
        this.#climbAfterMs = CLIMB_AFTER_MS
      }
      this.#transportFailures += 1
      if (end.livedMs === null || this.#transportFailures >= FAILURES_BEFORE_STEP_DOWN) this.#stepDown()
    } else if (end.isCurrent) {
      this.#isStale = false
      this.#listener.onLink(true)
    }
  }

  /** True when the state was delivered. */
  async #read(): Promise<boolean> {
    const signal = this.#startWait()
    const answer = await this.#network.get(this.#path, { timeoutMs: READ_TIMEOUT_MS, signal })
    if (signal.aborted) return false
    if (answer.ok && answer.value !== null) {
      this.#readFailures = 0
      this.#deliver(answer.value)
      return true
    }
    if (!answer.ok && answer.code === 'not_found') {
      this.stop()
      this.#listener.onRefused(answer)
    } else {
      this.#readFailures += 1
      const retryAfterMs = answer.ok ? 0 : (answer.retryAfterMs ?? 0)
      const { random } = this.#network
      // The header is in whole seconds, and other clients have the same.
      const requestedMs = retryAfterMs === 0 ? 0 : retryAfterMs + random() * 1_000
      this.#restMs = Math.max(requestedMs, backoffMs(this.#readFailures, random()))
      this.#listener.onLink(false)
    }
    return false
  }

  /** The signal of a wait that begins now. `stop` and `wake` abort it, and no later one. */
  #startWait(): AbortSignal {
    this.#wait = new AbortController()
    return this.#wait.signal
  }

  #deliver(attempt: AttemptView): void {
    if (this.#isStopped || attempt.version < this.#version) return
    this.#version = attempt.version
    if (attempt.expiresInMs === 0) this.stop()
    this.#listener.onLink(true)
    this.#listener.onAttempt(attempt)
  }

  #stepDown(): void {
    this.#rung = Math.min(this.#rung + 1, this.#ladder.length - 1)
    this.#transportFailures = 0
    this.#steppedDownAt = performance.now()
  }

  #climb(): void {
    if (this.#rung === 0 || performance.now() - this.#steppedDownAt < this.#climbAfterMs) return
    this.#rung = 0
    this.#climbAfterMs = Math.min(CLIMB_AFTER_MOST_MS, this.#climbAfterMs * 2)
  }
}
