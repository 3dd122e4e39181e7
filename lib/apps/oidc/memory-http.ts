import { type IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/** A request as a handler of `node:http` sees it. */
export interface MemoryRequest<C> {
  method: string
  /** Path and query below the path that the handler is mounted at. */
  url: string
  /** The path that the handler is mounted at. */
  mountPath: string
  /** Lower-case names. */
  headers: Record<string, string>
  /** '' for none. */
  body: string
  /** Whether the connection of the client is encrypted. */
  isEncrypted: boolean
  /** What the handler's own code finds in its request, as `caller`. */
  caller: C
}

export interface MemoryResponse {
  status: number
  /** Lower-case names. */
  headers: Record<string, string | string[]>
  body: string
}

export type NodeListener = (message: IncomingMessage, response: ServerResponse) => unknown

/**
 * Calls a handler of `node:http` without a connection: what the client sent reaches it only as far
 * as `request` has it, and what it answers can be looked at before it is sent.
 */
export function callListener<C>(listener: NodeListener, request: MemoryRequest<C>): Promise<MemoryResponse> {
  const { method, url, mountPath, headers, body, isEncrypted, caller } = request
  const message = Object.assign(Readable.from(body === '' ? [] : [Buffer.from(body)]), {
    method,
    url,
    originalUrl: mountPath + url,
    headers: body === '' ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    httpVersion: '1.1',
    complete: true,
    socket: { encrypted: isEncrypted },
    caller,
  }) as unknown as IncomingMessage
  return new Promise((resolve, reject) => {
    const response = new CollectedResponse(message, resolve)
    Promise.resolve(listener(message, response)).catch(reject)
  })
}

/** Collects what a handler writes. */
class CollectedResponse extends ServerResponse {
  readonly #chunks: Buffer[] = []
  readonly #onEnd: (response: MemoryResponse) => void

  constructor(message: IncomingMessage, onEnd: (response: MemoryResponse) => void) {
    super(message)
    this.#onEnd = onEnd
  }

  override write(chunk: string | Uint8Array): boolean {
    this.#chunks.push(Buffer.from(chunk as Uint8Array))
    return true
  }

  override end(chunk?: unknown): this {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.write(chunk)
    if (this.finished) return this
    this.finished = true
    const headers = Object.fromEntries(
      Object.entries(this.getHeaders()).map(([name, value]) => [name, Array.isArray(value) ? value : String(value)]),
    )
    this.#onEnd({ status: this.statusCode, headers, body: Buffer.concat(this.#chunks).toString('utf8') })
    this.emit('finish')
    return this
  }
}
