import { BACKLOG_BYTES, type Sink } from './streams'

/**
 * The door for `Request` in, `Response` out: a sink and the body it fills. `onGone` is called when the reader left;
 * runtimes differ in whether they abort, cancel or both, so the caller listens to the request's signal as well.
 */
export function createWebSink(onGone: () => void): { sink: Sink; body: ReadableStream<Uint8Array> } {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  const body = new ReadableStream<Uint8Array>(
    {
      start(created) {
        controller = created
      },
      cancel() {
        controller = null
        onGone()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BACKLOG_BYTES }),
  )
  const sink: Sink = {
    write(frame) {
      if (controller === null) return false
      // `enqueue` never fails for a reader that does not read: the queue would grow for as long as the stream lives.
      if ((controller.desiredSize ?? 0) <= 0) {
        controller.error(new Error('the reader does not read'))
        controller = null
        return false
      }
      controller.enqueue(frame)
      return true
    },
    close() {
      controller?.close()
      controller = null
    },
  }
  return { sink, body }
}

/** The answer around such a body, or around none where the frames go another way. Proxies are told not to buffer, compress or keep it. */
export function eventStreamResponse(body: ReadableStream<Uint8Array> | null): Response {
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
