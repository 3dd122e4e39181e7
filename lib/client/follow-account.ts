import type { Review } from '../core/attempt/views'
import type { EndedBy, SessionView } from '../core/session/session'
import { call } from './api'
import { backoffMs } from './backoff'
import { watchPage } from './watch-page'

/** What a message may name as the end of a session. */
const ENDED_BY = ['here', 'phone', 'computer', 'limit', 'single', 'time'] satisfies EndedBy[]

/** Where streams do not get through, the list is asked this often. */
const POLL_EVERY_MS = 2_000
const FIRST_FRAME_MS = 3_000
const TRIES_BEFORE_POLL = 2
/** The stream is tried again after so many polls. */
const POLLS_BEFORE_TRY = 15

export interface AccountListener {
  onSessions?: (sessions: SessionView[]) => void
  /** An attempt that this phone has scanned. */
  onAttempt?: (review: Omit<Review, 'claim'>) => void
  /** `by`: why this session ended; null when no message told it. */
  onSignedOut: (by: EndedBy | null) => void
  /** Whenever a stream has (re)opened: what was missed in between has to be asked. */
  onOpen?: () => void
}

/**
 * Follows the account of the phone or the computer that this browser is, until it is signed out or
 * the returned function is called. By stream, or by asking every 2 s where none gets through. Asks
 * again when the page wakes.
 */
export function followAccount(as: 'phone' | 'computer', listener: AccountListener): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let polls = 0
  let stopped = false

  const stop = () => {
    stopped = true
    source?.close()
    clearTimeout(timer)
    unwatch()
  }
  const signedOut = (by: EndedBy | null) => {
    stop()
    listener.onSignedOut(by)
  }
  const later = (ms: number, run: () => void) => {
    clearTimeout(timer)
    timer = setTimeout(run, ms)
  }

  const open = () => {
    source?.close()
    source = new EventSource(`/api/account/events?as=${as}`)
    let heard = false
    const fail = () => {
      source?.close()
      clearTimeout(timer)
      failures = heard ? 1 : failures + 1
      void ask()
    }
    later(FIRST_FRAME_MS, fail)
    source.addEventListener('sessions', ({ data }) => {
      if (!heard) {
        heard = true
        failures = 0
        clearTimeout(timer)
        listener.onOpen?.()
      }
      listener.onSessions?.(JSON.parse(data).sessions)
    })
    source.addEventListener('attempt', ({ data }) => listener.onAttempt?.(JSON.parse(data)))
    source.addEventListener('signed_out', ({ data }) => signedOut(parseEndedBy(JSON.parse(data))))
    source.addEventListener('bye', ({ data }) => {
      source?.close()
      later((JSON.parse(data) as { retryMs: number }).retryMs, open)
    })
    source.addEventListener('error', fail)
  }

  /** Tells a signed-out account from a lost network, and stands in for the stream. */
  const ask = async () => {
    const broken = source
    const answer = await call<{ sessions: SessionView[] }>('GET', `/api/sessions?as=${as}`)
    if (stopped || source !== broken) return
    if (!answer.ok && answer.code === 'unauthenticated') return signedOut(null)
    if (answer.ok) {
      listener.onSessions?.(answer.value.sessions)
      listener.onOpen?.()
    }
    const isStreamBlocked = answer.ok && failures >= TRIES_BEFORE_POLL
    polls = isStreamBlocked ? polls + 1 : 0
    if (isStreamBlocked && polls % POLLS_BEFORE_TRY !== 0) later(POLL_EVERY_MS, () => void ask())
    else later(backoffMs(answer.ok ? 0 : failures, Math.random()), open)
  }

  /**
   * After sleep an open stream may be dead: open a new one, whose first frame says what was missed.
   */
  const wake = () => {
    failures = 0
    clearTimeout(timer)
    open()
  }
  const unwatch = watchPage({ onVisible: wake, onOnline: wake, onRestored: wake })
  open()
  return stop
}

/** Null for a reason that this version of the page does not know. */
function parseEndedBy({ by }: { by?: string }): EndedBy | null {
  return ENDED_BY.find((reason) => reason === by) ?? null
}
