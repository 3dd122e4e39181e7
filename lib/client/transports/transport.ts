import type { AttemptView, CodeView } from '../../core/attempt/views'

interface TransportOptions {
  /** `/api/qr/{id}`. */
  path: string
  /** The newest version that was received. */
  version: number
  /** The last run ended with `bye`, so a connection that fails is no failure of the transport. */
  isReturning: boolean
  /** When it aborts, the transport must resolve immediately, with `ended`. */
  signal: AbortSignal
  onAttempt: (attempt: AttemptView) => void
  onCode: (code: CodeView) => void
}

/** How a run of a transport ended. */
export type TransportEnd =
  /** Not a failure. `isCurrent`: the state need not be requested again. */
  | { type: 'ended'; isCurrent: boolean }
  /** The server is shutting down: reconnect after this time. */
  | { type: 'bye'; retryMs: number }
  /** `livedMs`: since the stream was opened; null if nothing was received. */
  | { type: 'failed'; livedMs: number | null }

/**
 * One way to receive the states of an attempt. Each call is one run: a stream from open to end, a
 * request, or a pause. The follower starts one run after another, and decides by their ends whether
 * to keep this transport. Never rejects.
 */
export type Transport = (options: TransportOptions) => Promise<TransportEnd>

export const ENDED: TransportEnd = { type: 'ended', isCurrent: false }

export const FAILED: TransportEnd = { type: 'failed', livedMs: null }
