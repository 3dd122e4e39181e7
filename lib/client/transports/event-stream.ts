import { ENDED, FAILED, type Transport, type TurnEnd } from './transport'

/** Without a first event for this long something in between holds the stream back. */
const FIRST_EVENT_MS = 3_000

/** Server-Sent Events: each change as it happens. `open`: makes an `EventSource`. */
export function eventStream(open: (path: string) => EventSource): Transport {
  return ({ path, isReturning, signal, onAttempt, onCode }) =>
    new Promise((resolve) => {
      const source = open(`${path}/events`)
      const openedAt = performance.now()
      let hasReceived = false
      const finish = (end: TurnEnd) => {
        clearTimeout(silence)
        source.close()
        resolve(end)
      }
      const silence = setTimeout(finish, FIRST_EVENT_MS, FAILED)
      signal.addEventListener('abort', () => finish(ENDED))
      source.addEventListener('attempt', ({ data }) => {
        hasReceived = true
        clearTimeout(silence)
        onAttempt(JSON.parse(data))
      })
      source.addEventListener('code', ({ data }) => onCode(JSON.parse(data)))
      source.addEventListener('bye', ({ data }) => finish({ type: 'bye', retryMs: JSON.parse(data).retryMs }))
      // A refused stream and a broken one look alike; the state that is requested next tells them
      // apart.
      source.addEventListener('error', () => {
        if (hasReceived) finish({ type: 'failed', livedMs: performance.now() - openedAt })
        else finish(isReturning ? ENDED : FAILED)
      })
    })
}
