import { call } from './api'
import { backoffMs } from './backoff'

const TIMEOUT_MS = 3_000
const MAX_BACKOFF_MS = 2_000

/**
 * Redeems the ticket. Repeats the request until it has a response; a repeat gets the same session.
 * Returns false if the server refuses, or once `isWanted` returns false.
 */
export async function redeem(id: string, ticket: string, isWanted: () => boolean): Promise<boolean> {
  for (let failures = 0; isWanted(); failures += 1) {
    const answer = await call('POST', `/api/qr/${id}/redeem`, { body: { ticket }, timeoutMs: TIMEOUT_MS })
    if (answer.ok) return true
    const isLost = answer.code === 'network' || answer.code === 'unavailable' || answer.code === 'internal'
    if (!isLost) return false
    const waitMs = Math.min(MAX_BACKOFF_MS, backoffMs(failures, Math.random()))
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  return false
}
