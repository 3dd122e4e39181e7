import type { AttemptView, CodeView } from '../../core/attempt/views'

/** What a transport knows about the attempt that it follows, and whom it notifies. */
interface Following {
  /** `/api/qr/{id}`. */
  path: string
  /** The newest that is known. */
  version: number
  /** The server has sent `bye`: it may not be back yet, and that is no fault of the transport. */
  isReturning: boolean
  /** Aborts when the transport is to end: resolve at once, with `ended`. */
  signal: AbortSignal
  onAttempt: (attempt: AttemptView) => void
  onCode: (code: CodeView) => void
}

/** How a turn of a transport ended. */
export type TurnEnd =
  /** Nothing is held against the transport. `isCurrent`: the state need not be requested again. */
  | { type: 'ended'; isCurrent: boolean }
  /** The server goes away, and asks to come back after this time. */
  | { type: 'bye'; retryMs: number }
  /** `livedMs`: since it was opened; null when nothing was received. */
  | { type: 'failed'; livedMs: number | null }

/**
 * One way in which the state of an attempt reaches the page. Each call is a turn: a stream from
 * opening to its end, a request, a pause. The follower runs one after the other, and decides by how
 * they end whether to stay with this transport. Never rejects.
 */
export type Transport = (following: Following) => Promise<TurnEnd>

export const ENDED: TurnEnd = { type: 'ended', isCurrent: false }

export const FAILED: TurnEnd = { type: 'failed', livedMs: null }
