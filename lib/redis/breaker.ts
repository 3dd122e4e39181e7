import { RedisFailure } from './redis'

/** How long any answer is waited for. */
const DEADLINE_MS = 500

/** After so many failures in a row nobody asks any more… */
const FAILURES = 5

/** …for so long; then one asks, and by what it finds the others do. */
const OPEN_MS = 1_000

/** So many answers in a row that did not come, and the way to the server may be dead without having ended. */
const STUCK_AFTER = 2

/** Nothing came in time, not even a refusal. */
class Late extends RedisFailure {}

/**
 * A deadline on each call, and a breaker, so that a dead server costs nothing: not the wait of each request, nor the memory of all that
 * wait. Never a yes: what is refused throws.
 */
export class Breaker {
  readonly #now: () => number
  readonly #onStuck: () => void
  #failures = 0
  #late = 0
  #openUntil = 0
  #isProbing = false

  /** `onStuck`: called with the second answer in a row that does not come, and with each further one. */
  constructor(now: () => number, onStuck: () => void = () => {}) {
    this.#now = now
    this.#onStuck = onStuck
  }

  /** @throws RedisFailure at once while it is open, after the deadline, and whatever `call` throws. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const isOpen = this.#failures >= FAILURES
    if (isOpen && (this.#isProbing || this.#now() < this.#openUntil))
      throw new RedisFailure('the store was not there just now')
    if (isOpen) this.#isProbing = true
    try {
      const answer = await withDeadline(call())
      this.#failures = 0
      this.#late = 0
      return answer
    } catch (error) {
      this.#late = error instanceof Late ? this.#late + 1 : 0
      if (this.#late >= STUCK_AFTER) this.#onStuck()
      if (error instanceof RedisFailure) this.#fail()
      // An answer all the same: the server is there.
      else this.#failures = 0
      throw error
    } finally {
      if (isOpen) this.#isProbing = false
    }
  }

  #fail(): void {
    this.#failures += 1
    this.#openUntil = this.#now() + OPEN_MS
  }
}

function withDeadline<T>(call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    // A process that was busy itself finds the timer due and the answer in its socket: the answer is to be read first.
    const fail = () => reject(new Late(`no answer within ${DEADLINE_MS} ms`))
    timer = setTimeout(() => setImmediate(fail), DEADLINE_MS)
  })
  // What still comes after the deadline is nobody's any more.
  call.catch(() => {})
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}
