import { RedisFailure } from './redis'

/** How long any answer is waited for, in ms. */
const DEADLINE_MS = 500

/** After so many failures in a row the server is not asked any more… */
const FAILURES = 5

/** …for so long; then one call goes through, and its end decides for the others. */
const OPEN_MS = 1_000

/**
 * A deadline on each call, and a circuit breaker, so that a dead server costs nothing: not the wait
 * of each request, nor the memory of all that wait. Never a yes: what is refused throws.
 *
 * Calls that fail at the same time fail for one reason, which counts once: a failure counts when
 * its call began after the last one that counted. A stall of a connection is one failure, however
 * many calls are late in it.
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

  /** Whether calls are refused. */
  get isOpen(): boolean {
    return this.#failures >= FAILURES
  }

  /**
   * @throws RedisFailure at once while it is open, after the deadline, and whatever `call` throws.
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const startedAt = this.#now()
    const { isOpen } = this
    if (isOpen && (this.#isProbing || startedAt < this.#openUntil)) {
      throw new RedisFailure('the store was not there just now', { kind: 'breaker' })
    }
    if (isOpen) this.#isProbing = true
    try {
      const answer = await withDeadline(call(), DEADLINE_MS)
      this.#failures = 0
      return answer
    } catch (error) {
      if (error instanceof RedisFailure) this.#fail(startedAt)
      // An answer all the same: the server is there.
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
 * @throws RedisFailure `late` when `call` takes longer than `ms`; what becomes of it after that is
 * ignored.
 */
export function withDeadline<T>(call: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    // A process that was busy itself finds the timer due and the answer in its socket: the answer
    // is to be read first.
    const fail = () => reject(new RedisFailure(`no answer within ${ms} ms`, { kind: 'late' }))
    timer = setTimeout(() => setImmediate(fail), ms)
  })
  call.catch(() => {})
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}
