import { type Attempt, attemptAt, isRunning } from '../core/attempt/attempt'
import { codePeriodAt } from '../core/attempt/code'
import { type AttemptView, toAttemptView, toCodeView, type ViewContext } from '../core/attempt/views'
import type { Store, Unwatch } from '../core/store'
import { COMMENT, encodeEvent } from './encode'
import type { Stream } from './streams'
import type { TimerListener, TimerWheel } from './timer-wheel'

/** A third reader of one attempt, stream or long poll, replaces the oldest: a duplicated tab works, a hundred do not. */
const READERS_PER_ATTEMPT = 2

export interface AttemptStreamsOptions extends ViewContext {
  store: Store
  timers: TimerWheel
  now: () => number
  /** An attempt that is read has run out of time. */
  onExpired: () => void
}

/** The readers of all attempts: one watch, one deadline and one encoding per attempt, however many read it. */
export class AttemptStreams {
  readonly #options: AttemptStreamsOptions
  readonly #channels = new Map<string, Channel>()

  constructor(options: AttemptStreamsOptions) {
    this.#options = options
  }

  /**
   * Watches the attempt of this browser. Null for an unknown attempt and for another browser's: nothing is kept for
   * either. Each channel that is returned is to be released once: by `release`, or by the end of the reader that was
   * added to it.
   */
  async open(id: string, browserHash: string): Promise<Channel | null> {
    const { store, now } = this.#options
    const open = this.#channels.get(id)
    if (open !== undefined) return await this.#join(open, browserHash)
    const channel = new Channel(id, browserHash, this.#options, () => {
      if (this.#channels.get(id) === channel) this.#channels.delete(id)
    })
    const watched = await store.watchAttempt(id, browserHash, (attempt) => channel.show(attempt), now())
    if (watched === null) return null
    channel.begin(watched.attempt, watched.unwatch)
    const faster = this.#channels.get(id)
    if (faster !== undefined) {
      channel.release()
      return await this.#join(faster, browserHash)
    }
    this.#channels.set(id, channel)
    return channel
  }

  /** How many attempts are read. */
  get size(): number {
    return this.#channels.size
  }

  /** What is there already is read again, in case a message was lost. */
  async #join(channel: Channel, browserHash: string): Promise<Channel | null> {
    if (channel.browserHash !== browserHash) return null
    channel.hold()
    try {
      const attempt = await this.#options.store.findAttempt(channel.id)
      if (attempt !== null) channel.show(attempt)
      return channel
    } catch (error) {
      channel.release()
      throw error
    }
  }
}

export interface WaitOptions {
  /** Answered as soon as the version is higher. */
  after: number
  waitMs: number
  /** Aborts when the client has left. */
  signal: AbortSignal
}

/** One attempt that is read. Ends with its last reader, or with the attempt. */
export class Channel implements TimerListener {
  readonly id: string
  readonly browserHash: string
  readonly #options: AttemptStreamsOptions
  readonly #onEnd: () => void
  readonly #readers: Stream[] = []
  #unwatch: Unwatch = () => {}
  /** Readers, and clients that are about to become one. */
  #holders = 1
  #attempt: Attempt | null = null

  constructor(id: string, browserHash: string, options: AttemptStreamsOptions, onEnd: () => void) {
    this.id = id
    this.browserHash = browserHash
    this.#options = options
    this.#onEnd = onEnd
  }

  /** `attempt`: as it was read with the watch. */
  begin(attempt: Attempt, unwatch: Unwatch): void {
    this.#unwatch = unwatch
    this.show(attempt)
  }

  hold(): void {
    this.#holders += 1
  }

  /** The last one ends the watch. */
  release(): void {
    this.#holders -= 1
    if (this.#holders > 0) return
    this.#unwatch()
    this.#options.timers.delete(this)
    this.#onEnd()
  }

  /** Adds a stream, which gets the attempt at once. */
  add(stream: Stream): void {
    this.#join(stream)
    const now = this.#options.now()
    if (this.#attempt !== null) stream.write(this.#frame(this.#attempt, now))
    this.#continue(now)
  }

  /** For a reader that has ended. */
  remove(stream: Stream): void {
    const index = this.#readers.indexOf(stream)
    if (index >= 0) this.#readers.splice(index, 1)
    this.release()
  }

  /**
   * A long poll: resolves with the attempt once its version is higher than `after`, a new code is due, or its time runs
   * out; null when nothing of that happened within `waitMs`, or the client left, or it was replaced. `stream`: as
   * admitted; it is closed at the end.
   */
  async wait(stream: Stream, { after, waitMs, signal }: WaitOptions): Promise<AttemptView | null> {
    const before = this.#viewAfter(after, null)
    const now = this.#options.now()
    const attempt = this.#attempt === null ? null : attemptAt(this.#attempt, now)
    if (before !== null || attempt === null || !isRunning(attempt)) {
      stream.attach(UNREAD, () => this.remove(stream))
      stream.close()
      return before
    }
    const period = this.#periodAt(now)
    let wake = () => {}
    const news = new Promise<void>((resolve) => {
      wake = resolve
    })
    const write = (frame: Uint8Array) => {
      if (frame !== COMMENT) wake()
      return true
    }
    this.#join(stream)
    stream.attach({ write, close: wake }, () => this.remove(stream))
    const timer = setTimeout(wake, waitMs)
    signal.addEventListener('abort', wake, { once: true })
    if (signal.aborted) wake()
    this.#continue(now)
    await news
    clearTimeout(timer)
    signal.removeEventListener('abort', wake)
    stream.close()
    return this.#viewAfter(after, period)
  }

  onTimer(): void {
    const attempt = this.#attempt
    if (attempt === null) return
    const now = this.#options.now()
    if (attemptAt(attempt, now).status === 'expired') {
      this.#options.onExpired()
      this.#write(this.#frame(attempt, now))
    } else if (attempt.status === 'pending') {
      this.#write(encodeEvent({ event: 'code', data: toCodeView(attempt, now, this.#options) }))
    }
    this.#continue(now)
  }

  /** Tells the readers, unless it is no news. */
  show(attempt: Attempt): void {
    if (this.#attempt !== null && attempt.version <= this.#attempt.version) return
    this.#attempt = attempt
    if (this.#readers.length === 0) return
    const now = this.#options.now()
    this.#write(this.#frame(attempt, now))
    this.#continue(now)
  }

  #join(stream: Stream): void {
    this.#readers.push(stream)
    if (this.#readers.length > READERS_PER_ATTEMPT) this.#readers[0]?.close()
  }

  /** `period`: of the code that the client has; null where a new code is no news. */
  #viewAfter(after: number, period: number | null): AttemptView | null {
    const now = this.#options.now()
    if (this.#attempt === null) return null
    const view = toAttemptView(this.#attempt, now, this.#options)
    const isNewCode = period !== null && view.status === 'pending' && this.#periodAt(now) !== period
    return view.version > after || isNewCode ? view : null
  }

  #periodAt(now: number): number {
    const { createdAt = 0 } = this.#attempt ?? {}
    return codePeriodAt(createdAt, now, this.#options.lifetimes.codePeriodMs).startsAt
  }

  /** The next deadline, or the end of all readers when nothing can follow. */
  #continue(now: number): void {
    const attempt = this.#attempt === null ? null : attemptAt(this.#attempt, now)
    if (attempt === null || this.#readers.length === 0) return
    if (!isRunning(attempt)) {
      for (const stream of [...this.#readers]) stream.close()
      return
    }
    const { endsAt } = codePeriodAt(attempt.createdAt, now, this.#options.lifetimes.codePeriodMs)
    const next = attempt.status === 'pending' ? Math.min(endsAt, attempt.expiresAt) : attempt.expiresAt
    this.#options.timers.set(this, next)
  }

  #frame(attempt: Attempt, now: number): Uint8Array {
    const view = toAttemptView(attempt, now, this.#options)
    return encodeEvent({ event: 'attempt', id: view.version, data: view })
  }

  #write(frame: Uint8Array): void {
    for (const stream of [...this.#readers]) stream.write(frame)
  }
}

/** Of a long poll that is answered at once. */
const UNREAD = { write: () => true, close: () => {} }
