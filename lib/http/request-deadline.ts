import { ProtocolError } from '../core/errors'

/** Every response is sent within a second; this leaves time for the network. */
const ANSWER_WITHIN_MS = 900

/**
 * One deadline for all store commands of a request together. When it passes, the response is 503;
 * the handler continues, and its result is dropped as if the response had been lost on its way.
 */
export class RequestDeadline {
  #timer: ReturnType<typeof setTimeout> | null = null
  #start = (): void => {}

  /**
   * @throws ProtocolError `unavailable` when the handler takes too long, and what it throws itself.
   */
  async run(handler: () => Promise<Response>): Promise<Response> {
    let isLate = false
    const late = new Promise<never>((_, reject) => {
      const fail = () => {
        if (this.#timer === null) return
        isLate = true
        reject(new ProtocolError('unavailable', { retryAfterS: 2, limit: 'deadline' }))
      }
      // A process that was busy itself finds the timer due and the response of the store in its
      // socket: that is read first.
      this.#start = () => {
        this.#timer = setTimeout(() => setImmediate(fail), ANSWER_WITHIN_MS)
      }
      this.#start()
    })
    // After the deadline has begun: the handler may lift it before it waits for anything.
    const work = handler()
    work.then(
      (response) => (isLate ? response.body?.cancel() : undefined),
      () => {},
    )
    try {
      return await Promise.race([work, late])
    } finally {
      this.#start = () => {}
      this.lift()
    }
  }

  /** Runs work that is no store command and has a deadline of its own; then a new one begins. */
  async suspend<T>(work: () => Promise<T>): Promise<T> {
    this.lift()
    try {
      return await work()
    } finally {
      this.#start()
    }
  }

  /** For a handler that waits for news from now on: it has its own end. */
  lift(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
