import type { AttemptView, CodeView } from '../core/attempt/views'
import { type CallOptions, call, type Refused } from './api'
import { backoffMs } from './backoff'

/** How the state reaches us, best first. */
type Rung = 'stream' | 'long-poll' | 'poll'

/** Without a first frame for this long something in between holds the stream back. */
const FIRST_FRAME_MS = 3_000
/** A stream that lived this long was a good one; its end is not held against streams. */
const GOOD_STREAM_MS = 30_000
const DEATHS_BEFORE_STEP_DOWN = 2
const POLL_EVERY_MS = 2_000
const LONG_POLL_MS = 25_000
/** On a lower rung the better one is tried again after this time, then after twice as long, and so on. */
const CLIMB_AFTER_MS = 30_000
const CLIMB_AFTER_MOST_MS = 300_000

export interface AttemptListener {
  /** A state that is newer than, or the same as, the last one. */
  onAttempt(attempt: AttemptView): void
  onCode(code: CodeView): void
  /** Whether we hear from the server. */
  onLink(isUp: boolean): void
  /** The server said no for good: this attempt is not ours, or does not exist any more. */
  onRefused(refused: Refused): void
}

/** The two parts of a browser that the follower needs; tests bring their own. */
export interface Transport {
  call: (method: 'GET', path: string, options: CallOptions) => ReturnType<typeof call<AttemptView | null>>
  openEvents: (path: string) => EventSource
  random: () => number
}

const browserTransport: Transport = {
  call: (method, path, options) => call(method, path, options),
  openEvents: (path) => new EventSource(path),
  random: Math.random,
}

/**
 * Follows one attempt until it ends or `stop` is called: by stream, and where that does not work by long poll, and
 * where that fails too by asking every 2 s; tries to climb back from time to time. Never gives up by itself.
 */
export class AttemptFollower {
  readonly #path: string
  readonly #listener: AttemptListener
  readonly #transport: Transport
  #rung: Rung = 'stream'
  #version: number
  #deaths = 0
  #failures = 0
  /** How long to wait before anything else: after a failure, or because the server said so. */
  #restMs = 0
  /** Whether the state has to be asked before listening again. */
  #isStale: boolean
  /** Whether the server said goodbye, and told when to come back: it may not be there again by then. */
  #isReturning = false
  #steppedDownAt = 0
  #climbAfterMs = CLIMB_AFTER_MS
  #stopped = false
  /** Ends whatever is being waited for: a stream, an answer, or a pause. */
  #interrupt: () => void = () => {}

  /** `isStale`: the attempt was not made just now. */
  constructor(
    attempt: AttemptView,
    isStale: boolean,
    listener: AttemptListener,
    transport: Transport = browserTransport,
  ) {
    this.#path = `/api/qr/${attempt.id}`
    this.#version = attempt.version
    this.#isStale = isStale
    this.#listener = listener
    this.#transport = transport
    void this.#run()
  }

  /** No listener is called any more. */
  stop(): void {
    this.#stopped = true
    this.#interrupt()
  }

  /**
   * Asks the state at once and opens a new stream: after sleep, a lost network, or a page out of the back/forward cache
   * an old stream may look open and be dead.
   */
  wake(): void {
    this.#failures = 0
    this.#deaths = 0
    this.#restMs = 0
    this.#isStale = true
    this.#interrupt()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#restMs > 0) await this.#pause(this.#restMs)
      this.#restMs = 0
      if (this.#isStale && !(await this.#ask())) continue
      if (this.#stopped) return
      this.#isStale = true
      if (this.#rung === 'stream') await this.#stream()
      else if (this.#rung === 'long-poll') await this.#longPoll()
      else await this.#pause(POLL_EVERY_MS)
      this.#climb()
    }
  }

  /** One stream, from opening to its end. */
  #stream(): Promise<void> {
    return new Promise((resolve) => {
      const source = this.#transport.openEvents(`${this.#path}/events`)
      const openedAt = performance.now()
      const isReturning = this.#isReturning
      this.#isReturning = false
      let heard = false
      const finish = () => {
        clearTimeout(silence)
        source.close()
        this.#interrupt = () => {}
        resolve()
      }
      const die = () => {
        if (heard && performance.now() - openedAt > GOOD_STREAM_MS) this.#trustStreams()
        this.#deaths += 1
        if (!heard || this.#deaths >= DEATHS_BEFORE_STEP_DOWN) this.#stepDown('long-poll')
        finish()
      }
      // A refused stream and a broken one look alike; the state that is asked next tells them apart.
      const fail = () => (isReturning && !heard ? finish() : die())
      const silence = setTimeout(die, FIRST_FRAME_MS)
      this.#interrupt = finish
      source.addEventListener('attempt', ({ data }) => {
        heard = true
        clearTimeout(silence)
        this.#deliver(JSON.parse(data))
      })
      source.addEventListener('code', ({ data }) => this.#listener.onCode(JSON.parse(data)))
      source.addEventListener('bye', ({ data }) => {
        this.#restMs = (JSON.parse(data) as { retryMs: number }).retryMs
        // All come back then: the first frame tells the state, and spares the server a question of each.
        this.#isStale = false
        this.#isReturning = true
        finish()
      })
      source.addEventListener('error', fail)
    })
  }

  async #longPoll(): Promise<void> {
    const path = `${this.#path}?after=${this.#version}&waitMs=${LONG_POLL_MS}`
    const answer = await this.#call(path, LONG_POLL_MS + 5_000)
    if (answer === null) return
    if (answer.ok) {
      this.#isStale = false
      this.#listener.onLink(true)
      if (answer.value !== null) this.#deliver(answer.value)
    } else {
      this.#stepDown('poll')
    }
  }

  /** True when the state was told. */
  async #ask(): Promise<boolean> {
    const answer = await this.#call(this.#path, 5_000)
    if (answer === null || this.#stopped) return false
    if (answer.ok && answer.value !== null) {
      this.#failures = 0
      this.#deliver(answer.value)
      return true
    }
    if (!answer.ok && answer.code === 'not_found') {
      this.stop()
      this.#listener.onRefused(answer)
    } else {
      this.#failures += 1
      const retryAfterMs = answer.ok ? 0 : (answer.retryAfterMs ?? 0)
      // The header is in whole seconds, and others were told the same.
      const toldMs = retryAfterMs === 0 ? 0 : retryAfterMs + this.#transport.random() * 1_000
      this.#restMs = Math.max(toldMs, backoffMs(this.#failures, this.#transport.random()))
      this.#listener.onLink(false)
    }
    return false
  }

  /** Null when it was interrupted. */
  async #call(path: string, timeoutMs: number) {
    const controller = new AbortController()
    let interrupted = false
    this.#interrupt = () => {
      interrupted = true
      controller.abort()
    }
    const answer = await this.#transport.call('GET', path, { timeoutMs, signal: controller.signal })
    this.#interrupt = () => {}
    return interrupted ? null : answer
  }

  #deliver(attempt: AttemptView): void {
    if (this.#stopped || attempt.version < this.#version) return
    this.#version = attempt.version
    if (attempt.expiresInMs === 0) this.stop()
    this.#listener.onLink(true)
    this.#listener.onAttempt(attempt)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        this.#interrupt = () => {}
        resolve()
      }
      const timer = setTimeout(finish, ms)
      this.#interrupt = finish
    })
  }

  #trustStreams(): void {
    this.#deaths = 0
    this.#climbAfterMs = CLIMB_AFTER_MS
  }

  #stepDown(rung: Rung): void {
    this.#rung = rung
    this.#deaths = 0
    this.#steppedDownAt = performance.now()
  }

  #climb(): void {
    if (this.#rung === 'stream' || performance.now() - this.#steppedDownAt < this.#climbAfterMs) return
    this.#rung = 'stream'
    this.#climbAfterMs = Math.min(CLIMB_AFTER_MOST_MS, this.#climbAfterMs * 2)
  }
}
