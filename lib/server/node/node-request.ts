import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiRequest, HeaderReader } from '../../http/api-request'
import { NodeSink, whenGone } from './node-sink'

/** Responses whose request our own server has prepared. */
const prepared = new WeakSet<ServerResponse>()

/** See `ApiRequest.isPrepared`. */
export function markPrepared(response: ServerResponse): void {
  prepared.add(response)
}

/**
 * A request of Node's HTTP server as handlers see it. What few handlers use is created at its first
 * use.
 */
export class NodeRequest implements ApiRequest {
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  readonly method: string
  readonly headers: HeaderReader
  #signal: AbortSignal | null = null
  /** Null until events are sent. */
  sink: NodeSink | null = null

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.#message = message
    this.#response = response
    this.method = message.method ?? ''
    this.headers = new NodeHeaders(message)
  }

  get url(): string {
    return `http://localhost${this.#message.url}`
  }

  /** Not destroyed when a handler stops reading: the connection still has to carry the response. */
  get body(): AsyncIterable<Uint8Array> | null {
    const { headers } = this.#message
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
    return hasBody ? this.#message.iterator({ destroyOnReturn: false }) : null
  }

  get signal(): AbortSignal {
    if (this.#signal === null) {
      const controller = new AbortController()
      this.#signal = controller.signal
      whenGone(this.#response, this.#message.socket, () => controller.abort())
    }
    return this.#signal
  }

  get isPrepared(): boolean {
    return prepared.has(this.#response)
  }

  openSink(onGone: () => void): NodeSink {
    this.sink = new NodeSink(this.#response, this.#message.socket, onGone)
    return this.sink
  }
}

/**
 * Headers as Node has read them: names in lower case, what is repeated joined or dropped as RFC
 * 9110 has it for each.
 */
export class NodeHeaders implements HeaderReader {
  readonly #message: IncomingMessage

  constructor(message: IncomingMessage) {
    this.#message = message
  }

  get(name: string): string | null {
    const value = this.#message.headers[name]
    return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
  }

  has(name: string): boolean {
    return this.#message.headers[name] !== undefined
  }
}
