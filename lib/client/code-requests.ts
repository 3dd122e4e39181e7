import { parseShortCode } from '../core/attempt/short-code'
import type { Review } from '../core/attempt/views'
import type { Answer, call, Refused } from './api'

type Call = typeof call

/** The delay before the next try of a request, unless the server names one. */
const RETRY_MS = 2_000

/** Temporary refusals: the same request is sent again. */
const RETRYABLE = new Set<Refused['code']>(['network', 'unavailable', 'rate_limited', 'too_soon'])

/** Null if the refusal is final. */
export function retryDelayMs({ code, retryAfterMs }: Refused): number | null {
  return RETRYABLE.has(code) ? (retryAfterMs ?? RETRY_MS) : null
}

/** Lets this browser scan the code after it has expired, until the attempt ends. */
export async function holdCode(send: Call, code: string): Promise<Answer<null>> {
  return await send<null>('POST', '/api/qr/hold', { body: { code } })
}

/**
 * Scans the code; a short code as typed. A code that has expired is scanned as held if this browser
 * holds it: the hold is requested again first, because another page may have replaced it by a hold
 * of another code; and the code is sent with it, because another page may replace it in between.
 */
export async function scanCode(send: Call, code: string): Promise<Answer<Review>> {
  const body = parseShortCode(code) === null ? { code } : { shortCode: code }
  const answer = await send<Review>('POST', '/api/qr/scan', { body })
  const isHeld = !answer.ok && answer.code === 'code_expired' && (await holdCode(send, code)).ok
  return isHeld ? await send<Review>('POST', '/api/qr/scan', { body: { held: true, code } }) : answer
}

/**
 * Cancels the confirmed attempt, or signs out the computer that it has signed in. `review`: null if
 * there was no success; `retryMs`: null if it is final.
 */
export async function undoSignIn(
  send: Call,
  claim: string | null,
): Promise<{ review: Review | null; retryMs: number | null }> {
  const answer = await send<Review>('POST', '/api/qr/cancel', { body: { claim }, keepalive: true })
  if (!answer.ok) return { review: null, retryMs: retryDelayMs(answer) }
  const isUndone = answer.value.status === 'cancelled' || answer.value.status === 'revoked'
  return { review: isUndone ? answer.value : null, retryMs: null }
}
