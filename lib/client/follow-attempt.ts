import type { AttemptView, CodeView } from '../core/attempt/views'
import type { Refused } from './api'
import { backoffMs } from './backoff'
import { pause } from './pause'
import { browserNetwork, createTransports, type Network } from './transports/network'
import type { Transport, TransportEnd } from './transports/transport'

/** A connection that lived longer than this resets the failures of its transport. */
const STABLE_AFTER_MS = 30_000
const FAILURES_BEFORE_FALLBACK = 2
const READ_TIMEOUT_MS = 5_000
/** The first transport is tried again this long after a fallback; doubles with each try. */
const STEP_UP_AFTER_MS = 30_000
const MAX_STEP_UP_AFTER_MS = 300_000

export interface AttemptListener {
  /** Never called with a version older than the last one. The same version may be repeated. */
  onAttempt(attempt: AttemptView): void
  onCode(code: CodeView): void
  /** Whether the server can be reached. */
  onLink(isUp: boolean): void
  /** `not_found`: the attempt no longer exists, or is another browser's. Ends the follower. */
  onRefused(refused: Refused): void
}

/**
 * Follows one attempt until it ends, is not found, or `stop` is called. Uses the first transport
 * that works: falls back to the next one when a transport fails, and tries the first one again
 * later. Retries without limit.
 */
export class AttemptFollower {
  readonly #path: string
  readonly #listener: AttemptListener
  readonly #network: Network
  readonly #transports: readonly Transport[]
  /** Index of the current transport. */
  #current = 0
  #version: number
  /** Consecutive failures of the current transport. */
  #transportFailures = 0
  /** Consecutive failed requests for the state. */
  #readFailures = 0
  /** Delay before the next step: backoff after a failure, or the time from `bye`. */
  #delayMs = 0
  /** Whether the state has to be requested before the next run of a transport. */
  #isStale: boolean
  /** The server has sent `bye`, and may not be back after the time that it gave. */
  #isReturning = false
  #fellBackAt = 0
  #stepUpAfterMs = STEP_UP_AFTER_MS
  #isStopped = false
  /** Aborts the current run of a transport, request or pause. */
  #wait = new AbortController()

  /** `isStale`: `attempt` was not received just now, so the state is requested first. */
  constructor(attempt: AttemptView, isStale: boolean, listener: AttemptListener, network: Network = browserNetwork) {
    this.#path = `/api/qr/${attempt.id}`
    this.#version = attempt.version
    this.#isStale = isStale
    this.#listener = listener
    this.#network = network
    this.#transports = createTransports(network)
    void this.#run()
  }

  /** The listener is not called after this. */
  stop(): void {
    this.#isStopped = true
    this.#wait.abort()
  }

  /**
   * Requests the state immediately and opens a new connection. To be called after sleep, a lost
   * network or the back/forward cache: the old connection may be dead although it looks open.
   */
  wake(): void {
    this.#readFailures = 0
    this.#transportFailures = 0
    this.#delayMs = 0
    this.#isStale = true
    this.#wait.abort()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#delayMs > 0) {
        await pause(this.#delayMs, this.#startWait())
        this.#delayMs = 0
        continue
      }
      if (this.#isStale && !(await this.#requestState())) continue
      if (this.#isStopped) return
      this.#isStale = true
      await this.#runTransport()
      this.#stepUpIfDue()
    }
  }

  async #runTransport(): Promise<void> {
    const transport = this.#transports[this.#current] as Transport
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
    if (!signal.aborted) this.#onEnd(end)
  }

  #onEnd(end: TransportEnd): void {
    if (end.type === 'bye') {
      this.#delayMs = end.retryMs
      // All clients reconnect at that time. The first event has the state, so this saves the server
      // one request per client.
      this.#isStale = false
      this.#isReturning = true
    } else if (end.type === 'failed') {
      if (end.livedMs !== null && end.livedMs > STABLE_AFTER_MS) {
        this.#transportFailures = 0
        this.#stepUpAfterMs = STEP_UP_AFTER_MS
      }
      this.#transportFailures += 1
      if (end.livedMs === null || this.#transportFailures >= FAILURES_BEFORE_FALLBACK) this.#fallBack()
    } else if (end.isCurrent) {
      this.#isStale = false
      this.#listener.onLink(true)
    }
  }

  /** Returns true if the state was received. */
  async #requestState(): Promise<boolean> {
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
      // Jitter: the header is in whole seconds, and other clients may have the same value.
      const requestedMs = retryAfterMs === 0 ? 0 : retryAfterMs + random() * 1_000
      this.#delayMs = Math.max(requestedMs, backoffMs(this.#readFailures, random()))
      this.#listener.onLink(false)
    }
    return false
  }

  /** The signal of a wait that begins now. `stop` and `wake` abort only the current wait. */
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

  #fallBack(): void {
    this.#current = Math.min(this.#current + 1, this.#transports.length - 1)
    this.#transportFailures = 0
    this.#fellBackAt = performance.now()
  }

  #stepUpIfDue(): void {
    if (this.#current === 0 || performance.now() - this.#fellBackAt < this.#stepUpAfterMs) return
    this.#current = 0
    this.#stepUpAfterMs = Math.min(MAX_STEP_UP_AFTER_MS, this.#stepUpAfterMs * 2)
  }
}
