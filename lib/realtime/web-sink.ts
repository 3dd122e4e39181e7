import { BACKLOG_BYTES, type ByteSink } from './byte-sink'

/**
 * For `Request` in, `Response` out: a sink and the body it fills. `onGone` is called when the
 * client has left; runtimes differ in whether they abort, cancel or both, so the caller listens to
 * the request's signal as well.
 */
export function createWebSink(onGone: () => void): { sink: ByteSink; body: ReadableStream<Uint8Array> } {
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
  const sink: ByteSink = {
    write(bytes) {
      if (controller === null) return false
      // `enqueue` never fails for a client that does not read: the queue would grow for as long as
      // the stream lives.
      if ((controller.desiredSize ?? 0) <= 0) {
        controller.error(new Error('the client does not read'))
        controller = null
        return false
      }
      controller.enqueue(bytes)
      return true
    },
    close() {
      controller?.close()
      controller = null
    },
  }
  return { sink, body }
}
