import { ProtocolError } from '../core/errors'
import type { ByteSink } from '../realtime/byte-sink'
import type { Connection, ConnectionRegistry, EventSink, Refusal, Transport } from '../realtime/connections'
import { EventStreamSink } from '../realtime/event-stream'
import { createWebSink } from '../realtime/web-sink'
import type { Call } from './resource'

const RETRY_AFTER_S = { too_many_of_address: 10, too_many: 5, draining: 2 } satisfies Record<Refusal, number>

/** Called once, after the connection has closed. */
type Unsubscribe = () => void

/**
 * Counts a stream or a long poll of this client, before anything else is done for it. The caller
 * attaches or closes it. Clients without a usable address share one allowance.
 * @throws ProtocolError `rate_limited` or `unavailable`.
 */
export function admitConnection(
  { rateLimitKeys }: Call,
  connections: ConnectionRegistry,
  transport: Transport,
): Connection {
  const connection = connections.admit(rateLimitKeys, transport)
  if (typeof connection !== 'string') return connection
  const code = connection === 'too_many_of_address' ? 'rate_limited' : 'unavailable'
  throw new ProtocolError(code, { retryAfterS: RETRY_AFTER_S[connection], limit: `streams ${connection}` })
}

/**
 * Answers with Server-Sent Events. `subscribe` sends the first event, and resolves with what is
 * called at the end, whatever closes the connection.
 * @throws ProtocolError what `admitConnection` throws, and `subscribe`; then nothing was opened.
 */
export async function openEventStream(
  call: Call,
  connections: ConnectionRegistry,
  subscribe: (connection: Connection) => Promise<Unsubscribe> | Unsubscribe,
): Promise<Response> {
  const connection = admitConnection(call, connections, 'sse')
  let unsubscribe: Unsubscribe | null = null
  const toSink = (bytes: ByteSink) => new EventStreamSink(bytes)
  const body = attachClient(call, connection, toSink, () => unsubscribe?.())
  try {
    unsubscribe = await subscribe(connection)
  } catch (error) {
    connection.close()
    throw error
  }
  // It closed before there was a subscription to end: the client left meanwhile, or the attempt is
  // over.
  if (connection.isClosed) unsubscribe()
  return eventStreamResponse(body)
}

/**
 * Connects the client: by the socket itself, or by a body for the response, which is returned. The
 * connection closes when the client leaves. `toSink`: encodes events.
 * @public for further transports, see docs/extending.md
 */
export function attachClient(
  { request }: Call,
  connection: Connection,
  toSink: (bytes: ByteSink) => EventSink,
  onClose: () => void,
): ReadableStream<Uint8Array> | null {
  const leave = () => connection.close()
  if (request.openSink !== undefined) {
    connection.attach(toSink(request.openSink(leave)), onClose)
    return null
  }
  const { sink, body } = createWebSink(leave)
  const { signal } = request
  connection.attach(toSink(sink), () => {
    signal.removeEventListener('abort', leave)
    onClose()
  })
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  return body
}

/**
 * `body`: null where the bytes go another way. The headers tell proxies not to buffer, compress or
 * cache the stream.
 */
function eventStreamResponse(body: ReadableStream<Uint8Array> | null): Response {
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
      // A kept-alive socket would hold the process after its stream has ended.
      Connection: 'close',
    },
  })
}
