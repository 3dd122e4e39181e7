import { type Attempt, attemptAt, isRunning } from '../attempt/attempt'
import { codePeriodAt } from '../attempt/code'
import { toAttemptView, toCodeView, type ViewContext } from '../attempt/views'
import type { Deadlines, Due } from '../sse/deadlines'
import { encodeEvent } from '../sse/encode'
import type { Stream } from '../sse/streams'
import type { Store, Unwatch } from '../store/store'

/** A third stream on one attempt replaces the oldest: a duplicated tab works, a hundred do not. */
const STREAMS_PER_ATTEMPT = 2

export interface AttemptStreamsOptions extends ViewContext {
  store: Store
  deadlines: Deadlines
  now: () => number
}

/** The streams of all attempts: one watch, one deadline and one encoding per attempt, however many read it. */
export class AttemptStreams {
  readonly #options: AttemptStreamsOptions
  readonly #channels = new Map<string, Channel>()

  constructor(options: AttemptStreamsOptions) {
    this.#options = options
  }

  /** Subscribes to the attempt before the caller reads it. Each call is paired with one `release` or one `remove`. */
  subscribe(id: string): Channel {
    const channel = this.#channels.get(id) ?? new Channel(id, this.#options, () => this.#channels.delete(id))
    this.#channels.set(id, channel)
    channel.hold()
    return channel
  }

  /** How many attempts are streamed. */
  get size(): number {
    return this.#channels.size
  }
}

/** One streamed attempt. Ends with its last stream, or with the attempt. */
export class Channel implements Due {
  readonly #options: AttemptStreamsOptions
  readonly #onEnd: () => void
  readonly #unwatch: Unwatch
  readonly #streams: Stream[] = []
  /** Streams, and subscribers that are still reading: a stranger who is refused must not end it for the others. */
  #holders = 0
  #attempt: Attempt | null = null

  constructor(id: string, options: AttemptStreamsOptions, onEnd: () => void) {
    this.#options = options
    this.#onEnd = onEnd
    this.#unwatch = options.store.watchAttempt(id, (attempt) => this.#show(attempt))
  }

  hold(): void {
    this.#holders += 1
  }

  /** For a subscriber that opened no stream. The last one ends the subscription. */
  release(): void {
    this.#holders -= 1
    if (this.#holders > 0) return
    this.#unwatch()
    this.#options.deadlines.delete(this)
    this.#onEnd()
  }

  /** Adds a reader, who gets the attempt at once. `attempt`: as just read, after `subscribe`. */
  add(stream: Stream, attempt: Attempt): void {
    this.#streams.push(stream)
    if (this.#streams.length > STREAMS_PER_ATTEMPT) this.#streams[0]?.close()
    if (this.#attempt === null || attempt.version > this.#attempt.version) this.#attempt = attempt
    const now = this.#options.now()
    stream.write(this.#frame(this.#attempt, now))
    this.#continue(now)
  }

  /** For a stream that has closed. */
  remove(stream: Stream): void {
    const index = this.#streams.indexOf(stream)
    if (index >= 0) this.#streams.splice(index, 1)
    this.release()
  }

  onDeadline(): void {
    const attempt = this.#attempt
    if (attempt === null) return
    const now = this.#options.now()
    if (attemptAt(attempt, now).status === 'expired') this.#write(this.#frame(attempt, now))
    else if (attempt.status === 'pending') {
      this.#write(encodeEvent({ event: 'code', data: toCodeView(attempt, now, this.#options) }))
    }
    this.#continue(now)
  }

  #show(attempt: Attempt): void {
    if (this.#attempt !== null && attempt.version <= this.#attempt.version) return
    this.#attempt = attempt
    if (this.#streams.length === 0) return
    const now = this.#options.now()
    this.#write(this.#frame(attempt, now))
    this.#continue(now)
  }

  /** The next deadline, or the end of all streams when nothing can follow. */
  #continue(now: number): void {
    const attempt = this.#attempt === null ? null : attemptAt(this.#attempt, now)
    if (attempt === null || this.#streams.length === 0) return
    if (!isRunning(attempt)) {
      for (const stream of [...this.#streams]) stream.close()
      return
    }
    const { endsAt } = codePeriodAt(attempt.createdAt, now, this.#options.lifetimes.codePeriodMs)
    const next = attempt.status === 'pending' ? Math.min(endsAt, attempt.expiresAt) : attempt.expiresAt
    this.#options.deadlines.set(this, next)
  }

  #frame(attempt: Attempt, now: number): Uint8Array {
    const view = toAttemptView(attempt, now, this.#options)
    return encodeEvent({ event: 'attempt', id: view.version, data: view })
  }

  #write(frame: Uint8Array): void {
    for (const stream of [...this.#streams]) stream.write(frame)
  }
}
