import { ServerEvent } from './event'

/** Where the events of one connection go. Its transport encodes them here, at the edge. */
export interface EventSink {
  /** False when the client has not read for so long that it is to be cut off. */
  send(event: ServerEvent): boolean
  /** Sends what is no event, so that a dead connection is noticed. Returns what `send` does. */
  heartbeat(): boolean
  /** Ends the response. May be called more than once. */
  close(): void
}

export type Refusal = 'too_many_of_address' | 'too_many' | 'draining'

/** How a client is connected. */
export type Transport = 'sse' | 'socket' | 'long_poll'

/** What a client's connections are counted by: see `rateLimitKeys`. */
interface CountedKey {
  key: string
  factor: number
}

export interface ConnectionLimits {
  /** Of one client; times its factor for a wider prefix. */
  perAddress: number
  inAll: number
}

const HEARTBEAT_MS = 15_000

/**
 * After `bye`, browsers come back over this time: at least a second, at most 35 s, in between 3 ms
 * for each of them. To serve one takes half of that, so that others are served meanwhile.
 */
const BYE_MIN_MS = 500
const BYE_SPREAD_MIN_MS = 1_000
const BYE_SPREAD_MAX_MS = 35_000
const BYE_SPREAD_PER_CONNECTION_MS = 3

/**
 * One client that receives events. Everything that ends it (client left, too slow, attempt over,
 * shutdown) ends in `close`, once.
 */
export class Connection {
  readonly #registry: ConnectionRegistry
  readonly keys: readonly CountedKey[]
  readonly transport: Transport
  #sink: EventSink | null = null
  #onClose: (() => void) | null = null
  #isClosed = false

  constructor(registry: ConnectionRegistry, keys: readonly CountedKey[], transport: Transport) {
    this.#registry = registry
    this.keys = keys
    this.transport = transport
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Connects the place to send to and what to do at the end. A connection that was closed meanwhile
   * ends at once.
   */
  attach(sink: EventSink, onClose: () => void): void {
    this.#sink = sink
    this.#onClose = onClose
    if (!this.#isClosed) return
    sink.close()
    onClose()
  }

  /**
   * Closes the connection when the client does not read. Does nothing before `attach` and after
   * `close`.
   */
  send(event: ServerEvent): void {
    if (this.#sink !== null && !this.#isClosed && !this.#sink.send(event)) this.close()
  }

  /** As `send`. */
  heartbeat(): void {
    if (this.#sink !== null && !this.#isClosed && !this.#sink.heartbeat()) this.close()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#registry.forget(this)
    this.#sink?.close()
    this.#onClose?.()
    this.#sink = null
    this.#onClose = null
  }
}

/** Every open stream and long poll of this process: caps, one shared heartbeat, and the drain. */
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
   * Counts a new connection before anything is opened, or returns why there may be none. The caller
   * attaches or closes it.
   */
  admit(keys: readonly CountedKey[], transport: Transport = 'sse'): Connection | Refusal {
    if (this.#isDraining) return 'draining'
    if (this.#open.size >= this.#limits.inAll) return 'too_many'
    const isFull = ({ key, factor }: CountedKey) => this.#countOf(key) >= this.#limits.perAddress * factor
    if (keys.some(isFull)) return 'too_many_of_address'
    for (const { key } of keys) this.#perKey.set(key, this.#countOf(key) + 1)
    const connection = new Connection(this, keys, transport)
    this.#open.add(connection)
    this.#perTransport[transport] += 1
    this.#heartbeat ??= this.#startHeartbeat()
    return connection
  }

  /** Called by a connection that has closed. */
  forget(connection: Connection): void {
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

  /** How many of them use this transport. */
  count(transport: Transport): number {
    return this.#perTransport[transport]
  }

  /**
   * Sends `bye` to every client, each with its own time to come back, and closes all connections.
   * Refuses new ones.
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
