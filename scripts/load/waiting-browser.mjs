// A browser that waits in front of a code, and comes back as the page does
// (lib/client/follow-attempt.ts) when its stream ends.

/** As lib/client/backoff.ts has it. */
const BACKOFF_LEAST_MS = 1_000
const BACKOFF_MOST_MS = 30_000
/** As READ_TIMEOUT_MS in lib/client/follow-attempt.ts. */
const ASK_MS = 5_000

export class WaitingBrowser {
  #server
  #path = ''
  #cookie = ''
  #goodbyes = 0
  #isClosed = false
  /** @type {() => void} */
  #close = () => {}
  /** When its stream said something first, after it was opened last; `performance.now()`. */
  backAt = Number.POSITIVE_INFINITY

  /** @param {import('./server.mjs').LoadedServer} server */
  constructor(server) {
    this.#server = server
  }

  /** How often it was told to come back later. */
  get goodbyes() {
    return this.#goodbyes
  }

  /** Starts an attempt, and resolves when its stream is open. */
  async start() {
    const { path, cookie } = await this.#server.startAttempt()
    this.#path = path
    this.#cookie = cookie
    await this.#stream()
  }

  leave() {
    this.#isClosed = true
    this.#close()
  }

  async #stream() {
    let retryMs = 0
    const onText = (/** @type {string} */ text) => {
      this.backAt = Math.min(this.backAt, performance.now())
      const bye = /event: bye\ndata: \{"retryMs":(\d+)\}/.exec(text)?.[1]
      if (bye === undefined) return
      this.#goodbyes += 1
      retryMs = Number(bye)
    }
    let isOver = false
    const onEnd = () => {
      if (isOver || this.#isClosed) return
      isOver = true
      void this.#return(retryMs)
    }
    this.#close = await this.#server.stream(`${this.#path}/events`, this.#cookie, onText, onEnd)
  }

  /**
   * Waits as it was told to and opens the stream; without a word it asks the state first, at longer
   * and longer intervals.
   */
  async #return(/** @type {number} */ retryMs) {
    this.backAt = Number.POSITIVE_INFINITY
    await sleep(retryMs)
    for (let failures = 0; !this.#isClosed; ) {
      const isTold = retryMs > 0 && failures === 0
      const againMs = isTold ? 0 : await this.#ask()
      if (againMs === 0 && (await this.#stream().then(yes, no))) return
      failures += 1
      const ceiling = Math.min(BACKOFF_MOST_MS, BACKOFF_LEAST_MS * 2 ** failures)
      const backoffMs = BACKOFF_LEAST_MS + Math.random() * (ceiling - BACKOFF_LEAST_MS)
      await sleep(againMs === null ? backoffMs : Math.max(againMs + Math.random() * 1_000, backoffMs))
    }
  }

  /**
   * 0 when it may come back, else after how many ms to ask again; null when there was no answer.
   */
  async #ask() {
    const options = { cookie: this.#cookie, timeoutMs: ASK_MS }
    return await this.#server.send('GET', this.#path, options).then(
      ({ status, retryAfterMs }) => (status === 200 ? 0 : retryAfterMs),
      () => null,
    )
  }
}

const yes = () => true
const no = () => false

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
