import type { RateLimitKey } from '../core/rate-limit/limits'
import { ServerEvent } from './event'

/** Receives the events of one connection. Each transport implements it and encodes them. */
export interface EventSink {
  /**
   * Returns false if the client has not read for too long: the caller then closes the connection.
   */
  send(event: ServerEvent): boolean
  /** Sends bytes that are no event, to detect dead connections. Returns the same as `send`. */
  heartbeat(): boolean
  /** Ends the response. May be called more than once. */
  close(): void
}

/** Why a connection is refused. */
export type Refusal = 'too_many_of_address' | 'too_many' | 'draining'

export type Transport = 'sse' | 'socket' | 'long_poll'

export interface ConnectionLimits {
  /** The maximum per rate-limit key; multiplied by the key's factor. */
  perAddress: number
  inAll: number
}

const HEARTBEAT_MS = 15_000

/**
 * After `bye`, the reconnects are spread over 3 ms per connection, at least 1 s and at most 35 s.
 * One reconnect takes half of the 3 ms, so that other requests are served as well.
 */
const BYE_MIN_MS = 500
const BYE_SPREAD_MIN_MS = 1_000
const BYE_SPREAD_MAX_MS = 35_000
const BYE_SPREAD_PER_CONNECTION_MS = 3

/**
 * One client that receives events. Every end (client disconnected, client too slow, attempt ended,
 * shutdown) calls `close`, which takes effect once.
 */
export class Connection {
  readonly #registry: ConnectionRegistry
  readonly keys: readonly RateLimitKey[]
  readonly transport: Transport
  #sink: EventSink | null = null
  #onClose: (() => void) | null = null
  #isClosed = false

  constructor(registry: ConnectionRegistry, keys: readonly RateLimitKey[], transport: Transport) {
    this.#registry = registry
    this.keys = keys
    this.transport = transport
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Sets the sink, and the callback for the end. If the connection was closed before, both are
   * closed at once.
   */
  attach(sink: EventSink, onClose: () => void): void {
    this.#sink = sink
    this.#onClose = onClose
    if (!this.#isClosed) return
    sink.close()
    onClose()
  }

  /**
   * Sends an event. Closes the connection if the client does not read. Does nothing before `attach`
   * and after `close`.
   */
  send(event: ServerEvent): void {
    if (this.#sink !== null && !this.#isClosed && !this.#sink.send(event)) this.close()
  }

  /** Sends a heartbeat, as `send`. */
  heartbeat(): void {
    if (this.#sink !== null && !this.#isClosed && !this.#sink.heartbeat()) this.close()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#registry.remove(this)
    this.#sink?.close()
    this.#onClose?.()
    this.#sink = null
    this.#onClose = null
  }
}

/** All open streams and long polls of this process: limits, one shared heartbeat, and the drain. */
export class ConnectionRegistry {
  readonly #limits: ConnectionLimits
  readonly #random: () => number
  readonly #open = new Set<Connection>()
  readonly #perKey = new Map<string, number>()
  readonly #perTransport: Record<Transport, number> = { sse: 0, socket: 0, long_poll: 0 }
  #heartbeat: ReturnType<typeof setInterval> | null = null
  #isDraining = false

  constructor(limits: ConnectionLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
  }

  /**
   * Counts a new connection before a stream opens, or returns why it is refused. The caller
   * attaches or closes it.
   */
  admit(keys: readonly RateLimitKey[], transport: Transport = 'sse'): Connection | Refusal {
    if (this.#isDraining) return 'draining'
    if (this.#open.size >= this.#limits.inAll) return 'too_many'
    const isFull = ({ key, factor }: RateLimitKey) => this.#countOf(key) >= this.#limits.perAddress * factor
    if (keys.some(isFull)) return 'too_many_of_address'
    for (const { key } of keys) this.#perKey.set(key, this.#countOf(key) + 1)
    const connection = new Connection(this, keys, transport)
    this.#open.add(connection)
    this.#perTransport[transport] += 1
    this.#heartbeat ??= this.#startHeartbeat()
    return connection
  }

  /** Called by a connection that has closed. */
  remove(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    this.#perTransport[connection.transport] -= 1
    for (const { key } of connection.keys) {
      const left = this.#countOf(key) - 1
      if (left > 0) this.#perKey.set(key, left)
      else this.#perKey.delete(key)
    }
    if (this.#open.size > 0 || this.#heartbeat === null) return
    clearInterval(this.#heartbeat)
    this.#heartbeat = null
  }

  get size(): number {
    return this.#open.size
  }

  /** The number of open connections of this transport. */
  count(transport: Transport): number {
    return this.#perTransport[transport]
  }

  /**
   * Sends `bye` to every client, each with its own reconnect delay, and closes all connections.
   * From then on `admit` refuses new ones.
   */
  drain(): void {
    this.#isDraining = true
    const spread = this.#open.size * BYE_SPREAD_PER_CONNECTION_MS
    const spreadMs = Math.min(BYE_SPREAD_MAX_MS, Math.max(BYE_SPREAD_MIN_MS, spread))
    for (const connection of [...this.#open]) {
      const retryMs = Math.round(BYE_MIN_MS + this.#random() * spreadMs)
      connection.send(new ServerEvent({ event: 'bye', data: { retryMs } }))
      connection.close()
    }
  }

  #countOf(key: string): number {
    return this.#perKey.get(key) ?? 0
  }

  #startHeartbeat(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      for (const connection of [...this.#open]) connection.heartbeat()
    }, HEARTBEAT_MS)
    timer.unref?.()
    return timer
  }
}
