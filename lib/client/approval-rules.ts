import type { Review } from '../core/attempt/views'
import type { Refused } from './api'
import type { ApprovalScreen, TypedCodeProblem } from './approval-screen'

export interface ApprovalOptions {
  isPhoneSignedIn: boolean
  /** From the server: false if a foreign page may have initiated the request for this document. */
  isInitiatorTrusted: boolean
}

/** The state before the code is read. */
export function firstState({
  isPhoneSignedIn,
  isInitiatorTrusted,
}: ApprovalOptions): 'opened' | 'checking' | 'needs_sign_in' {
  if (!isPhoneSignedIn) return 'needs_sign_in'
  return isInitiatorTrusted ? 'checking' : 'opened'
}

/** Whether a received state differs from the review that is shown. */
export function isChange(screen: ApprovalScreen, { status, match }: Omit<Review, 'claim'>): boolean {
  if (screen.state !== 'review') return false
  return status !== 'scanned' || match.passed !== screen.review.match.passed
}

const OFFLINE_RETRY_MS = 2_000
const RATE_LIMITED_MS = 60_000

/**
 * What a refused scan shows that does not end the review. `retryMs`: when the code is scanned
 * again; null: when the person asks for it.
 */
export function toTrouble({ code, requestId, retryAfterMs }: Refused): {
  screen: ApprovalScreen
  retryMs: number | null
} {
  if (code === 'rate_limited') {
    const retryMs = retryAfterMs ?? RATE_LIMITED_MS
    return { screen: { state: 'rate_limited', endsAt: performance.now() + retryMs }, retryMs }
  }
  const isOffline = code === 'network' || code === 'unavailable'
  if (isOffline) return { screen: { state: 'offline', reference: null }, retryMs: OFFLINE_RETRY_MS }
  return { screen: { state: 'error', reference: requestId }, retryMs: null }
}

/** Why a typed code was refused, so that the person types it again. Null: for another reason. */
export function toTypedProblem({ code, retryAfterMs }: Refused): TypedCodeProblem | null {
  if (code === 'code_unknown') return { reason: 'unknown' }
  if (code !== 'rate_limited') return null
  return { reason: 'limited', endsAt: performance.now() + (retryAfterMs ?? RATE_LIMITED_MS) }
}
