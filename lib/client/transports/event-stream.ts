import { ENDED, FAILED, type Transport, type TransportEnd } from './transport'

/** If no event arrives within this time, a proxy probably buffers the stream. */
const FIRST_EVENT_MS = 3_000

/** Server-Sent Events. `open` creates the `EventSource`. */
export function eventStream(open: (path: string) => EventSource): Transport {
  return ({ path, isReturning, signal, onAttempt, onCode }) =>
    new Promise((resolve) => {
      const source = open(`${path}/events`)
      const openedAt = performance.now()
      let hasReceived = false
      const finish = (end: TransportEnd) => {
        clearTimeout(timeout)
        source.close()
        resolve(end)
      }
      const timeout = setTimeout(finish, FIRST_EVENT_MS, FAILED)
      signal.addEventListener('abort', () => finish(ENDED))
      source.addEventListener('attempt', ({ data }) => {
        hasReceived = true
        clearTimeout(timeout)
        onAttempt(JSON.parse(data))
      })
      source.addEventListener('code', ({ data }) => onCode(JSON.parse(data)))
      source.addEventListener('bye', ({ data }) => finish({ type: 'bye', retryMs: JSON.parse(data).retryMs }))
      // `EventSource` reports a refused stream like a broken one. The follower requests the state
      // next, and its response shows which it was.
      source.addEventListener('error', () => {
        if (hasReceived) finish({ type: 'failed', livedMs: performance.now() - openedAt })
        else finish(isReturning ? ENDED : FAILED)
      })
    })
}
