import type { ByteSink } from '../realtime/byte-sink'

/** Header fields as a handler reads them. Names are written in lower case. */
export interface HeaderReader {
  get(name: string): string | null
  has(name: string): boolean
}

/**
 * What handlers need of a request. The platform's `Request` is one, as routers pass it; our own
 * server has one that costs less.
 */
export interface ApiRequest {
  readonly method: string
  /** Absolute. Path and query are the client's; scheme and host mean nothing. */
  readonly url: string
  readonly headers: HeaderReader
  /** Null when there is none. */
  readonly body: AsyncIterable<Uint8Array> | null
  /** Aborts when the client has left. */
  readonly signal: AbortSignal
  /**
   * Whether our own server has received it: the host is checked, and the response has the headers
   * of every response.
   */
  readonly isPrepared?: boolean
  /**
   * Where there is one, events go to the connection itself and not through a body. `onGone` is
   * called when the client has left.
   */
  readonly openSink?: (onGone: () => void) => ByteSink
}
