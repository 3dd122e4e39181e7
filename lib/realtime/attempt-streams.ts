import { type Attempt, attemptAt, isRunning } from '../core/attempt/attempt'
import { codePeriodAt } from '../core/attempt/code'
import { type AttemptView, toAttemptView, toCodeView, type ViewContext } from '../core/attempt/views'
import type { Store, Unwatch } from '../core/store'
import type { Connection, EventSink } from './connections'
import { ServerEvent } from './event'
import type { TimerListener, TimerWheel } from './timer-wheel'

/**
 * A third connection to one attempt, stream or long poll, replaces the oldest: a duplicated tab
 * works, a hundred do not.
 */
const CONNECTIONS_PER_ATTEMPT = 2

export interface AttemptStreamsOptions extends ViewContext {
  store: Store
  timers: TimerWheel
  now: () => number
  /** Called when an attempt that has a connection runs out of time. */
  onExpired: () => void
}

/**
 * The channels of all attempts: one watch, one deadline and one event per change and attempt,
 * however many connections it has.
 */
export class AttemptStreams {
  readonly #options: AttemptStreamsOptions
  readonly #channels = new Map<string, Channel>()

  constructor(options: AttemptStreamsOptions) {
    this.#options = options
  }

  /**
   * Watches the attempt of this browser. Null for an unknown attempt and for another browser's:
   * nothing is kept for either. Each channel that is returned is to be released once: by `release`,
   * or by `unsubscribe` for the connection that was subscribed.
   */
  async open(id: string, browserHash: string): Promise<Channel | null> {
    const { store, now } = this.#options
    const open = this.#channels.get(id)
    if (open !== undefined) return await this.#join(open, browserHash)
    const channel = new Channel(id, browserHash, this.#options, () => {
      if (this.#channels.get(id) === channel) this.#channels.delete(id)
    })
    const watched = await store.watchAttempt(id, browserHash, (attempt) => channel.publish(attempt), now())
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

  /** How many attempts have a connection. */
  get size(): number {
    return this.#channels.size
  }

  /** Reads the attempt again, in case a message was lost. */
  async #join(channel: Channel, browserHash: string): Promise<Channel | null> {
    if (channel.browserHash !== browserHash) return null
    channel.hold()
    try {
      const attempt = await this.#options.store.findAttempt(channel.id)
      if (attempt !== null) channel.publish(attempt)
      return channel
    } catch (error) {
      channel.release()
      throw error
    }
  }
}

export interface WaitOptions {
  /** Resolves as soon as the version is higher. */
  after: number
  waitMs: number
  /** Aborts when the client has left. */
  signal: AbortSignal
}

/** One attempt and its connections. Ends with the last of them, or with the attempt. */
export class Channel implements TimerListener {
  readonly id: string
  readonly browserHash: string
  readonly #options: AttemptStreamsOptions
  readonly #onEnd: () => void
  readonly #connections: Connection[] = []
  #unwatch: Unwatch = () => {}
  /** Connections, and clients that are about to become one. */
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
    this.publish(attempt)
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

  /** Adds a connection, which is sent the attempt at once. */
  subscribe(connection: Connection): void {
    this.#add(connection)
    const now = this.#options.now()
    if (this.#attempt !== null) connection.send(this.#toEvent(this.#attempt, now))
    this.#continue(now)
  }

  /** To be called when the connection has closed. */
  unsubscribe(connection: Connection): void {
    const index = this.#connections.indexOf(connection)
    if (index >= 0) this.#connections.splice(index, 1)
    this.release()
  }

  /**
   * A long poll: resolves with the attempt once its version is higher than `after`, a new code is
   * due, or its time runs out; null when nothing of that happened within `waitMs`, or the client
   * left, or it was replaced. `connection`: as admitted; it is closed at the end.
   */
  async wait(connection: Connection, { after, waitMs, signal }: WaitOptions): Promise<AttemptView | null> {
    const before = this.#viewAfter(after, null)
    const now = this.#options.now()
    const attempt = this.#attempt === null ? null : attemptAt(this.#attempt, now)
    if (before !== null || attempt === null || !isRunning(attempt)) {
      connection.attach(
        toSink(() => {}),
        () => this.unsubscribe(connection),
      )
      connection.close()
      return before
    }
    const period = this.#periodAt(now)
    let wake = () => {}
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    this.#add(connection)
    connection.attach(toSink(wake), () => this.unsubscribe(connection))
    const timer = setTimeout(wake, waitMs)
    signal.addEventListener('abort', wake, { once: true })
    if (signal.aborted) wake()
    this.#continue(now)
    await woken
    clearTimeout(timer)
    signal.removeEventListener('abort', wake)
    connection.close()
    return this.#viewAfter(after, period)
  }

  onTimer(): void {
    const attempt = this.#attempt
    if (attempt === null) return
    const now = this.#options.now()
    if (attemptAt(attempt, now).status === 'expired') {
      this.#options.onExpired()
      this.#send(this.#toEvent(attempt, now))
    } else if (attempt.status === 'pending') {
      this.#send(new ServerEvent({ event: 'code', data: toCodeView(attempt, now, this.#options) }))
    }
    this.#continue(now)
  }

  /** Sends the attempt to every connection, unless its version is not higher. */
  publish(attempt: Attempt): void {
    if (this.#attempt !== null && attempt.version <= this.#attempt.version) return
    this.#attempt = attempt
    if (this.#connections.length === 0) return
    const now = this.#options.now()
    this.#send(this.#toEvent(attempt, now))
    this.#continue(now)
  }

  #add(connection: Connection): void {
    this.#connections.push(connection)
    if (this.#connections.length > CONNECTIONS_PER_ATTEMPT) this.#connections[0]?.close()
  }

  /** `period`: of the code that the client has; null where a new code does not count. */
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

  /** Sets the next deadline, or closes all connections when nothing can follow. */
  #continue(now: number): void {
    const attempt = this.#attempt === null ? null : attemptAt(this.#attempt, now)
    if (attempt === null || this.#connections.length === 0) return
    if (!isRunning(attempt)) {
      for (const connection of [...this.#connections]) connection.close()
      return
    }
    const { endsAt } = codePeriodAt(attempt.createdAt, now, this.#options.lifetimes.codePeriodMs)
    const next = attempt.status === 'pending' ? Math.min(endsAt, attempt.expiresAt) : attempt.expiresAt
    this.#options.timers.set(this, next)
  }

  #toEvent(attempt: Attempt, now: number): ServerEvent {
    const view = toAttemptView(attempt, now, this.#options)
    return new ServerEvent({ event: 'attempt', id: view.version, data: view })
  }

  #send(event: ServerEvent): void {
    for (const connection of [...this.#connections]) connection.send(event)
  }
}

/**
 * The edge of a long poll: the first event wakes it, and so does its end. It is answered with the
 * attempt as it is.
 */
function toSink(wake: () => void): EventSink {
  const send = () => {
    wake()
    return true
  }
  return { send, heartbeat: () => true, close: wake }
}
