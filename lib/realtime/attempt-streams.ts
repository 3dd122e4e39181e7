import { type Attempt, attemptAt, isRunning } from '../core/attempt/attempt'
import { codePeriodAt } from '../core/attempt/code'
import { type AttemptView, toAttemptView, toCodeView, type ViewContext } from '../core/attempt/views'
import type { Store, Unwatch } from '../core/store'
import type { Connection, EventSink } from './connections'
import { ServerEvent } from './event'
import type { TimerListener, TimerWheel } from './timer-wheel'

/**
 * The maximum number of streams and long polls per attempt, so that a duplicated tab works. A
 * further one replaces the oldest.
 */
const MAX_CONNECTIONS_PER_ATTEMPT = 2

export interface AttemptStreamsOptions extends ViewContext {
  store: Store
  timers: TimerWheel
  now: () => number
  /** Called when an attempt that has a connection expires. */
  onExpired: () => void
}

/**
 * The channels of all attempts. An attempt has one watch, one timer, and one event per change,
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
   * both leave nothing behind. The caller releases each returned channel once: with `release`, or
   * with `unsubscribe` for the connection that was subscribed.
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
    const concurrent = this.#channels.get(id)
    if (concurrent !== undefined) {
      channel.release()
      return await this.#join(concurrent, browserHash)
    }
    this.#channels.set(id, channel)
    return channel
  }

  /** The number of attempts with a connection. */
  get size(): number {
    return this.#channels.size
  }

  /** Shares an open channel. Reads the attempt again, in case a message was lost. */
  async #join(channel: Channel, browserHash: string): Promise<Channel | null> {
    if (channel.browserHash !== browserHash) return null
    channel.retain()
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
  /** The version that the client has: a higher one ends the wait. */
  after: number
  waitMs: number
  /** Aborts when the client disconnects. */
  signal: AbortSignal
}

/** One attempt and its connections. Ends when the last connection closes, or with the attempt. */
export class Channel implements TimerListener {
  readonly id: string
  readonly browserHash: string
  readonly #options: AttemptStreamsOptions
  readonly #onEnd: () => void
  readonly #connections: Connection[] = []
  #unwatch: Unwatch = () => {}
  /** The reference count: connections, and requests that are about to open one. */
  #references = 1
  #attempt: Attempt | null = null

  constructor(id: string, browserHash: string, options: AttemptStreamsOptions, onEnd: () => void) {
    this.id = id
    this.browserHash = browserHash
    this.#options = options
    this.#onEnd = onEnd
  }

  /** `attempt`: as read in the same step as the watch. */
  begin(attempt: Attempt, unwatch: Unwatch): void {
    this.#unwatch = unwatch
    this.publish(attempt)
  }

  /** Adds a reference, which `release` removes. */
  retain(): void {
    this.#references += 1
  }

  /** Removes a reference. Without references the watch ends. */
  release(): void {
    this.#references -= 1
    if (this.#references > 0) return
    this.#unwatch()
    this.#options.timers.delete(this)
    this.#onEnd()
  }

  /** Adds a connection and sends it the attempt at once. */
  subscribe(connection: Connection): void {
    this.#add(connection)
    const now = this.#options.now()
    if (this.#attempt !== null) connection.send(this.#toEvent(this.#attempt, now))
    this.#scheduleNext(now)
  }

  /** Call it when the connection has closed. */
  unsubscribe(connection: Connection): void {
    const index = this.#connections.indexOf(connection)
    if (index >= 0) this.#connections.splice(index, 1)
    this.release()
  }

  /**
   * A long poll. Resolves with the attempt when its version is higher than `after`, a new code is
   * due, or it expires. Null: none of this happened within `waitMs`, the client disconnected, or a
   * newer connection replaced this one. `connection`: as admitted; it is closed at the end.
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
    this.#scheduleNext(now)
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
    this.#scheduleNext(now)
  }

  /** Sends the attempt to every connection if its version is higher than the last one. */
  publish(attempt: Attempt): void {
    if (this.#attempt !== null && attempt.version <= this.#attempt.version) return
    this.#attempt = attempt
    if (this.#connections.length === 0) return
    const now = this.#options.now()
    this.#send(this.#toEvent(attempt, now))
    this.#scheduleNext(now)
  }

  #add(connection: Connection): void {
    this.#connections.push(connection)
    if (this.#connections.length > MAX_CONNECTIONS_PER_ATTEMPT) this.#connections[0]?.close()
  }

  /** `period`: of the code that the client has. Null: ignore new codes. */
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

  /** Sets the next timer, or closes all connections if the attempt has ended. */
  #scheduleNext(now: number): void {
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
 * The sink of a long poll. The first event wakes the request, and so does `close`. The response is
 * the current attempt, not the event.
 */
function toSink(wake: () => void): EventSink {
  const send = () => {
    wake()
    return true
  }
  return { send, heartbeat: () => true, close: wake }
}
