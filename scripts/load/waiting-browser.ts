// A browser that shows a code and waits, and reconnects as the page does
// (lib/client/follow-attempt.ts) when its stream ends.
import { setTimeout as pause } from 'node:timers/promises'
import type { LoadedServer } from './server'

/** As lib/client/backoff.ts has it. */
const BACKOFF_LEAST_MS = 1_000
const BACKOFF_MOST_MS = 30_000
/** As READ_TIMEOUT_MS in lib/client/follow-attempt.ts. */
const READ_TIMEOUT_MS = 5_000

export class WaitingBrowser {
  readonly #server: LoadedServer
  #path = ''
  #cookie = ''
  #byeEvents = 0
  #isClosed = false
  #close: () => void = () => {}
  /** When its current stream received its first chunk; `performance.now()`. */
  backAt = Number.POSITIVE_INFINITY

  constructor(server: LoadedServer) {
    this.#server = server
  }

  /** How many `bye` events it has received. */
  get byeEvents(): number {
    return this.#byeEvents
  }

  /** Starts an attempt, and resolves when its stream is open. */
  async start(): Promise<void> {
    const { path, cookie } = await this.#server.startAttempt()
    this.#path = path
    this.#cookie = cookie
    await this.#stream()
  }

  leave(): void {
    this.#isClosed = true
    this.#close()
  }

  async #stream(): Promise<void> {
    let retryMs = 0
    const onText = (text: string) => {
      this.backAt = Math.min(this.backAt, performance.now())
      const bye = /event: bye\ndata: \{"retryMs":(\d+)\}/.exec(text)?.[1]
      if (bye === undefined) return
      this.#byeEvents += 1
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
   * Waits for the time given in `bye`, then opens the stream. Without a `bye` it reads the state
   * first, at increasing intervals.
   */
  async #return(retryMs: number): Promise<void> {
    this.backAt = Number.POSITIVE_INFINITY
    await pause(retryMs)
    for (let failures = 0; !this.#isClosed; ) {
      const hasBye = retryMs > 0 && failures === 0
      const delayMs = hasBye ? 0 : await this.#readState()
      if (delayMs === 0 && (await this.#stream().then(yes, no))) return
      failures += 1
      const ceiling = Math.min(BACKOFF_MOST_MS, BACKOFF_LEAST_MS * 2 ** failures)
      const backoffMs = BACKOFF_LEAST_MS + Math.random() * (ceiling - BACKOFF_LEAST_MS)
      await pause(delayMs === null ? backoffMs : Math.max(delayMs + Math.random() * 1_000, backoffMs))
    }
  }

  /**
   * Returns 0 if it may open the stream, otherwise the retry delay in ms; null without a response.
   */
  async #readState(): Promise<number | null> {
    const options = { cookie: this.#cookie, timeoutMs: READ_TIMEOUT_MS }
    return await this.#server.send('GET', this.#path, options).then(
      ({ status, retryAfterMs }) => (status === 200 ? 0 : retryAfterMs),
      () => null,
    )
  }
}

const yes = () => true
const no = () => false
