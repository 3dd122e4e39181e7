/** One event of `text/event-stream` (WHATWG HTML, section 9.2). */
export interface ServerSentEvent {
  event: string
  data: unknown
  id?: string | number
}

const encoder = new TextEncoder()

/** What every reader gets when nothing happens, so that a dead connection is noticed. */
export const COMMENT: Uint8Array = encoder.encode(':\n\n')

/**
 * One frame as bytes. Data is one line of JSON.
 * @throws RangeError when `event` or `id` hold CR or LF, which would let them forge a second event.
 */
export function encodeEvent({ event, data, id }: ServerSentEvent): Uint8Array {
  const fields = id === undefined ? [event] : [event, String(id)]
  if (fields.some((field) => /[\r\n\0]/.test(field))) throw new RangeError('event and id are single lines')
  const idLine = id === undefined ? '' : `id: ${id}\n`
  return encoder.encode(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`)
}
