import { ProtocolError } from '../attempt/errors'
import { services } from '../services'
import type { Refusal, Stream } from '../sse/streams'
import { createWebSink, eventStreamResponse } from '../sse/web-sink'
import { clientAddress, limitedAs } from './address'
import type { ApiRequest } from './api-request'

const RETRY_AFTER_S = { too_many_of_address: 10, too_many: 5, draining: 2 } satisfies Record<Refusal, number>

/** Whoever fills a stream. */
export interface Writer {
  /** Called once, after the stream has closed. */
  end(): void
}

/**
 * Opens a stream and answers with it. `begin` writes the first frame and returns the writer, which hears of the end
 * whoever causes it. Clients without a usable address share one allowance.
 * @throws ProtocolError `rate_limited` or `unavailable`, before anything is opened.
 */
export function openStream(request: ApiRequest, begin: (stream: Stream) => Writer): Response {
  const { config, streams } = services()
  const address = limitedAs(clientAddress(request.headers, config.trustedProxies))
  const stream = streams.admit(address)
  if (typeof stream === 'string') {
    const code = stream === 'too_many_of_address' ? 'rate_limited' : 'unavailable'
    throw new ProtocolError(code, { retryAfterS: RETRY_AFTER_S[stream], limit: `streams ${stream}` })
  }
  const leave = () => stream.close()
  let writer: Writer | null = null
  const body = attach(stream, request, leave, () => writer?.end())
  try {
    writer = begin(stream)
  } catch (error) {
    stream.close()
    throw error
  }
  // Nothing left to say (the attempt is over): the end came before there was a writer to hear of it.
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
