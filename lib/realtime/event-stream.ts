import type { ByteSink } from './byte-sink'
import type { EventSink } from './connections'
import type { ServerEvent } from './event'

/**
 * Server-Sent Events, `text/event-stream` (WHATWG HTML, section 9.2): the encoding, and the sink
 * that sends it.
 */

const encoder = new TextEncoder()

/** A comment, which clients ignore. */
const HEARTBEAT: Uint8Array = encoder.encode(':\n\n')

/**
 * Encodes one event. Its data is one line of JSON.
 * @throws RangeError if `event` or `id` contains CR, LF or NUL: CR or LF could forge a second
 * event.
 */
export function encodeServerSentEvent({ event, data, id }: ServerEvent): Uint8Array {
  const fields = id === undefined ? [event] : [event, String(id)]
  if (fields.some((field) => /[\r\n\0]/.test(field))) throw new RangeError('event and id are single lines')
  const idLine = id === undefined ? '' : `id: ${id}\n`
  return encoder.encode(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`)
}

/** Sends events as `text/event-stream`. */
export class EventStreamSink implements EventSink {
  readonly #bytes: ByteSink

  constructor(bytes: ByteSink) {
    this.#bytes = bytes
  }

  send(event: ServerEvent): boolean {
    return this.#bytes.write(event.encodedBy(encodeServerSentEvent))
  }

  heartbeat(): boolean {
    return this.#bytes.write(HEARTBEAT)
  }

  close(): void {
    this.#bytes.close()
  }
}
