import type { Refused } from './api'
import { backoffMs } from './backoff'
import type { SignInScreen } from './sign-in-screen'

const RATE_LIMITED_MS = 60_000

/** What a refused start shows, and after how many ms to try again by itself; null when a person has to. */
export function onStartRefused(
  { code, retryAfterMs, requestId }: Refused,
  { failures, isOnline, now, random }: { failures: number; isOnline: boolean; now: number; random: number },
): { screen: SignInScreen; retryMs: number | null } {
  if (code === 'rate_limited') {
    const waitMs = retryAfterMs ?? RATE_LIMITED_MS
    return { screen: { state: 'rate_limited', waitMs, endsAt: now + waitMs }, retryMs: waitMs }
  }
  if (code === 'network' || code === 'unavailable') {
    const isOffline = code === 'network' && !isOnline
    const retryMs = Math.max(retryAfterMs ?? 0, backoffMs(failures, random))
    return { screen: { state: isOffline ? 'offline' : 'unavailable' }, retryMs }
  }
  return { screen: { state: 'error', reference: requestId }, retryMs: null }
}
