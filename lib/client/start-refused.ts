import type { Refused } from './api'
import { backoffMs } from './backoff'
import type { SignInScreen } from './sign-in-screen'

const RATE_LIMITED_MS = 60_000

/**
 * The state to show after a refused start. `retryMs`: the delay of the automatic retry; null if
 * only the person can retry. `failures`: consecutive failures, this one included.
 */
export function onStartRefused(
  { code, retryAfterMs, requestId }: Refused,
  failures: number,
): { screen: SignInScreen; retryMs: number | null } {
  if (code === 'rate_limited') {
    const periodMs = retryAfterMs ?? RATE_LIMITED_MS
    const time = { periodMs, endsAt: performance.now() + periodMs }
    return { screen: { state: 'rate_limited', time }, retryMs: periodMs }
  }
  if (code === 'network' || code === 'unavailable') {
    const isOffline = code === 'network' && !navigator.onLine
    const retryMs = Math.max(retryAfterMs ?? 0, backoffMs(failures, Math.random()))
    return { screen: { state: isOffline ? 'offline' : 'unavailable' }, retryMs }
  }
  if (code === 'interaction_unknown') return { screen: { state: 'lost_request' }, retryMs: null }
  return { screen: { state: 'error', reference: requestId }, retryMs: null }
}
