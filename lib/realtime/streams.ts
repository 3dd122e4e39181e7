import { COMMENT, encodeEvent } from './encode'

/** Where the frames of one stream go: a web stream, or a raw response. */
export interface Sink {
  /** False when the reader has not read for so long that it is to be cut off. Never throws. */
  write(frame: Uint8Array): boolean
  /** Ends the response. May be called more than once. */
  close(): void
}

/** Who has left this much unread when the next frame comes is cut off. One frame alone may be larger. */
export const BACKLOG_BYTES = 16 * 1024

export type Refusal = 'too_many_of_address' | 'too_many' | 'draining'

/** How a reader is connected. */
export type Transport = 'sse' | 'socket' | 'long_poll'

/** What a client's streams are counted by: see `rateLimitKeys`. */
interface CountedKey {
  key: string
  factor: number
}

export interface StreamLimits {
  /** Of one client; times its factor for a wider prefix. */
  perAddress: number
  inAll: number
}

const HEARTBEAT_MS = 15_000

/**
 * Browsers that were told to come back do so over this time: at least a second, at most 35 s, in between 3 ms for each of them. To serve one
 * takes half of that, so that others are served meanwhile.
 */
const BYE_MIN_MS = 500
const BYE_SPREAD_MIN_MS = 1_000
const BYE_SPREAD_MAX_MS = 35_000
const BYE_SPREAD_PER_STREAM_MS = 3

/** One open stream. Everything that ends it (reader left, too slow, attempt over, shutdown) ends in `close`, once. */
export class Stream {
  readonly #streams: Streams
  readonly keys: readonly CountedKey[]
  readonly transport: Transport
  #sink: Sink | null = null
  #onClose: (() => void) | null = null
  #closed = false

  constructor(streams: Streams, keys: readonly CountedKey[], transport: Transport) {
    this.#streams = streams
    this.keys = keys
    this.transport = transport
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Connects the place to write to and what to do at the end. A stream that was closed meanwhile ends at once. */
  attach(sink: Sink, onClose: () => void): void {
    this.#sink = sink
    this.#onClose = onClose
    if (!this.#closed) return
    sink.close()
    onClose()
  }

  write(frame: Uint8Array): void {
    if (this.#sink !== null && !this.#closed && !this.#sink.write(frame)) this.close()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#streams.forget(this)
    this.#sink?.close()
    this.#onClose?.()
    this.#sink = null
    this.#onClose = null
  }
}

/** Every open stream and long poll of this process: caps, one shared heartbeat, and the goodbye. */
export class Streams {
  readonly #limits: StreamLimits
  readonly #random: () => number
  readonly #open = new Set<Stream>()
  readonly #perKey = new Map<string, number>()
  readonly #perTransport: Record<Transport, number> = { sse: 0, socket: 0, long_poll: 0 }
  #heartbeat: ReturnType<typeof setInterval> | null = null
  #draining = false

  constructor(limits: StreamLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
  }

  /** Counts a new stream before anything is opened, or returns why there may be none. The caller attaches or closes it. */
  admit(keys: readonly CountedKey[], transport: Transport = 'sse'): Stream | Refusal {
    if (this.#draining) return 'draining'
    if (this.#open.size >= this.#limits.inAll) return 'too_many'
    const isFull = ({ key, factor }: CountedKey) => this.#countOf(key) >= this.#limits.perAddress * factor
    if (keys.some(isFull)) return 'too_many_of_address'
    for (const { key } of keys) this.#perKey.set(key, this.#countOf(key) + 1)
    const stream = new Stream(this, keys, transport)
    this.#open.add(stream)
    this.#perTransport[transport] += 1
    this.#heartbeat ??= this.#startHeartbeat()
    return stream
  }

  /** Called by a stream that has closed. */
  forget(stream: Stream): void {
    if (!this.#open.delete(stream)) return
    this.#perTransport[stream.transport] -= 1
    for (const { key } of stream.keys) {
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

  /** How many of them are connected so. */
  count(transport: Transport): number {
    return this.#perTransport[transport]
  }

  /** Says `bye` to every reader, each with its own time to come back, and ends all streams. New ones are refused. */
  drain(): void {
    this.#draining = true
    const spread = this.#open.size * BYE_SPREAD_PER_STREAM_MS
    const spreadMs = Math.min(BYE_SPREAD_MAX_MS, Math.max(BYE_SPREAD_MIN_MS, spread))
    for (const stream of [...this.#open]) {
      const retryMs = Math.round(BYE_MIN_MS + this.#random() * spreadMs)
      stream.write(encodeEvent({ event: 'bye', data: { retryMs } }))
      stream.close()
    }
  }

  #countOf(key: string): number {
    return this.#perKey.get(key) ?? 0
  }

  #startHeartbeat(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      for (const stream of [...this.#open]) stream.write(COMMENT)
    }, HEARTBEAT_MS)
    timer.unref?.()
    return timer
  }
}
