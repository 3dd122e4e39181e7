import { BACKLOG_BYTES, type ByteSink } from './byte-sink'

/**
 * Creates a byte sink and the `Response` body that it fills. `onDisconnect` is called when the body
 * is cancelled. Some runtimes abort the request's signal instead, or do both: the caller listens to
 * the signal too.
 */
export function createWebSink(onDisconnect: () => void): { sink: ByteSink; body: ReadableStream<Uint8Array> } {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  const body = new ReadableStream<Uint8Array>(
    {
      start(created) {
        controller = created
      },
      cancel() {
        controller = null
        onDisconnect()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BACKLOG_BYTES }),
  )
  const sink: ByteSink = {
    write(bytes) {
      if (controller === null) return false
      // Backpressure: `enqueue` never fails, so the queue of a client that does not read would grow
      // without a limit.
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
