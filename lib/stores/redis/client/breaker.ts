import { RedisFailure } from './redis'

/** How long a call waits for its reply. */
const TIMEOUT_MS = 500

/** The circuit opens after this many failures in a row. */
const FAILURES = 5

/** How long an open circuit refuses all calls. Then one call probes the server. */
const OPEN_MS = 1_000

/**
 * A timeout on each call, and a circuit breaker: while the server is down, requests neither wait
 * for it nor pile up in memory. A refused call throws; it never returns a value.
 *
 * Concurrent failures have one cause and count once: a failure counts only if its call began after
 * the last counted failure. So a stalled connection is one failure, however many calls time out
 * during the stall.
 */
export class Breaker {
  readonly #now: () => number
  #failures = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #openUntil = 0
  #isProbing = false

  /** `now`: monotonic, in ms. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether the circuit is open: calls are refused, except for one probe at a time. */
  get isOpen(): boolean {
    return this.#failures >= FAILURES
  }

  /**
   * @throws RedisFailure `breaker` at once while the circuit is open, `late` after the timeout; and
   * what `call` throws.
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const startedAt = this.#now()
    const { isOpen } = this
    if (isOpen && (this.#isProbing || startedAt < this.#openUntil)) {
      throw new RedisFailure('the store failed several times just before: the circuit is open', { kind: 'breaker' })
    }
    if (isOpen) this.#isProbing = true
    try {
      const reply = await withTimeout(call(), TIMEOUT_MS)
      this.#failures = 0
      return reply
    } catch (error) {
      if (error instanceof RedisFailure) this.#fail(startedAt)
      // An error reply is a reply: the server is up.
      else this.#failures = 0
      throw error
    } finally {
      if (isOpen) this.#isProbing = false
    }
  }

  #fail(startedAt: number): void {
    if (startedAt < this.#countedAt) return
    this.#countedAt = this.#now()
    this.#failures += 1
    this.#openUntil = this.#countedAt + OPEN_MS
  }
}

/**
 * @throws RedisFailure `late` if `call` takes longer than `ms`. Its result after that is ignored.
 */
export function withTimeout<T>(call: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    // If this process was busy, the timer is due although the reply is already in the socket. One
    // more turn of the event loop reads it first.
    const fail = () => reject(new RedisFailure(`no reply within ${ms} ms`, { kind: 'late' }))
    timer = setTimeout(() => setImmediate(fail), ms)
  })
  call.catch(() => {})
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}
