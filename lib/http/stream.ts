import { ProtocolError } from '../core/errors'
import type { Refusal, Stream, Streams, Transport } from '../realtime/streams'
import { createWebSink, eventStreamResponse } from '../realtime/web-sink'
import type { ApiRequest } from './api-request'
import type { Call } from './resource'

const RETRY_AFTER_S = { too_many_of_address: 10, too_many: 5, draining: 2 } satisfies Record<Refusal, number>

/** What fills a stream. */
export interface Writer {
  /** Called once, after the stream has closed. */
  end(): void
}

/**
 * Counts a stream or a long poll of this client, before anything else is done for it. The caller attaches or closes it.
 * Clients without a usable address share one allowance.
 * @throws ProtocolError `rate_limited` or `unavailable`.
 */
export function admitStream({ rateLimitKeys }: Call, streams: Streams, transport: Transport): Stream {
  const stream = streams.admit(rateLimitKeys, transport)
  if (typeof stream !== 'string') return stream
  const code = stream === 'too_many_of_address' ? 'rate_limited' : 'unavailable'
  throw new ProtocolError(code, { retryAfterS: RETRY_AFTER_S[stream], limit: `streams ${stream}` })
}

/**
 * Opens a stream and answers with it. `begin` writes the first frame and resolves with the writer, which learns of the
 * end by any cause.
 * @throws ProtocolError what `admitStream` throws, and `begin`; then nothing was opened.
 */
export async function openStream(
  call: Call,
  streams: Streams,
  begin: (stream: Stream) => Promise<Writer> | Writer,
): Promise<Response> {
  const stream = admitStream(call, streams, 'sse')
  const leave = () => stream.close()
  let writer: Writer | null = null
  const body = attach(stream, call.request, leave, () => writer?.end())
  try {
    writer = await begin(stream)
  } catch (error) {
    stream.close()
    throw error
  }
  // The client left meanwhile, or the attempt is over: the end came before there was a writer to learn of it.
  if (stream.closed) writer.end()
  return eventStreamResponse(body)
}

/** Connects the stream to its reader, by the connection itself or by a body that is then answered with. */
function attach(
  stream: Stream,
  request: ApiRequest,
  leave: () => void,
  onClose: () => void,
): ReadableStream<Uint8Array> | null {
  if (request.openSink !== undefined) {
    stream.attach(request.openSink(leave), onClose)
    return null
  }
  const { sink, body } = createWebSink(leave)
  const { signal } = request
  stream.attach(sink, () => {
    signal.removeEventListener('abort', leave)
    onClose()
  })
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  return body
}
