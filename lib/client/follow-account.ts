import type { Review } from '../core/attempt/views'
import type { EndedBy, SessionView } from '../core/session/session'
import { call } from './api'
import { backoffMs } from './backoff'
import { watchPage } from './watch-page'

/** The values of `by` that this version of the page knows. */
const ENDED_BY = ['here', 'phone', 'computer', 'limit', 'single', 'time', 'app'] satisfies EndedBy[]

const POLL_EVERY_MS = 2_000
const FIRST_FRAME_MS = 3_000
const FAILURES_BEFORE_POLL = 2
/** After this many polls the stream is tried again. */
const POLLS_BEFORE_STREAM = 15

export interface AccountListener {
  onSessions?: (sessions: SessionView[]) => void
  /** Phone only: an attempt that this phone scanned has changed. */
  onAttempt?: (review: Omit<Review, 'claim'>) => void
  /** `by`: why this session ended; null if unknown. Called once, as the last call. */
  onSignedOut: (by: EndedBy | null) => void
  /** A stream has (re)opened, or a poll succeeded: events may have been missed before. */
  onOpen?: () => void
}

/**
 * Follows the account of this browser's session, as a phone or as a computer, until it is signed
 * out or the returned function is called. Polls every 2 s while no stream works. Reconnects when
 * the page becomes visible, comes back online or returns from the back/forward cache.
 */
export function followAccount(as: 'phone' | 'computer', listener: AccountListener): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let polls = 0
  let isStopped = false

  const stop = () => {
    isStopped = true
    source?.close()
    clearTimeout(timer)
    unwatch()
  }
  const onSignedOut = (by: EndedBy | null) => {
    stop()
    listener.onSignedOut(by)
  }
  const schedule = (ms: number, run: () => void) => {
    clearTimeout(timer)
    timer = setTimeout(run, ms)
  }

  const open = () => {
    source?.close()
    source = new EventSource(`/api/account/events?as=${as}`)
    let hasReceived = false
    const fail = () => {
      source?.close()
      clearTimeout(timer)
      failures = hasReceived ? 1 : failures + 1
      void pollOnce()
    }
    schedule(FIRST_FRAME_MS, fail)
    source.addEventListener('sessions', ({ data }) => {
      if (!hasReceived) {
        hasReceived = true
        failures = 0
        clearTimeout(timer)
        listener.onOpen?.()
      }
      listener.onSessions?.(JSON.parse(data).sessions)
    })
    source.addEventListener('attempt', ({ data }) => listener.onAttempt?.(JSON.parse(data)))
    source.addEventListener('signed_out', ({ data }) => onSignedOut(parseEndedBy(JSON.parse(data))))
    source.addEventListener('bye', ({ data }) => {
      source?.close()
      schedule((JSON.parse(data) as { retryMs: number }).retryMs, open)
    })
    source.addEventListener('error', fail)
  }

  /** Distinguishes an ended session from a lost network, and replaces the stream meanwhile. */
  const pollOnce = async () => {
    const failedSource = source
    const answer = await call<{ sessions: SessionView[] }>('GET', `/api/sessions?as=${as}`)
    if (isStopped || source !== failedSource) return
    if (!answer.ok && answer.code === 'unauthenticated') return onSignedOut(null)
    if (answer.ok) {
      listener.onSessions?.(answer.value.sessions)
      listener.onOpen?.()
    }
    const isStreamBlocked = answer.ok && failures >= FAILURES_BEFORE_POLL
    polls = isStreamBlocked ? polls + 1 : 0
    if (isStreamBlocked && polls % POLLS_BEFORE_STREAM !== 0) schedule(POLL_EVERY_MS, () => void pollOnce())
    else schedule(backoffMs(answer.ok ? 0 : failures, Math.random()), open)
  }

  /** After sleep an open stream may be dead. The first frame of a new one has the current state. */
  const reconnect = () => {
    failures = 0
    clearTimeout(timer)
    open()
  }
  const unwatch = watchPage({ onVisible: reconnect, onOnline: reconnect, onRestored: reconnect })
  open()
  return stop
}

/** Null for a reason that this version of the page does not know. */
function parseEndedBy({ by }: { by?: string }): EndedBy | null {
  return ENDED_BY.find((reason) => reason === by) ?? null
}
