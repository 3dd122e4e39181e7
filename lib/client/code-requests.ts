import type { Review } from '../core/attempt/views'
import type { Answer, call } from './api'

type Call = typeof call

/** Lets this browser scan the code after it has expired, until the attempt ends. */
export async function holdCode(send: Call, code: string): Promise<Answer<null>> {
  return await send<null>('POST', '/api/qr/hold', { body: { code } })
}

/**
 * Scans the code. A code that has expired is scanned as held if this browser holds it: the hold is
 * requested again first, because another page may have replaced it by a hold of another code; and
 * the code is sent with it, because another page may replace it in between.
 */
export async function scanCode(send: Call, code: string): Promise<Answer<Review>> {
  const answer = await send<Review>('POST', '/api/qr/scan', { body: { code } })
  const isHeld = !answer.ok && answer.code === 'code_expired' && (await holdCode(send, code)).ok
  return isHeld ? await send<Review>('POST', '/api/qr/scan', { body: { held: true, code } }) : answer
}
