import { call } from './api'
import { backoffMs } from './backoff'

const TIMEOUT_MS = 3_000
const MOST_MS = 2_000

/**
 * Exchanges the ticket, and tries again until the server has answered: a lost answer is repeated,
 * and gives the same session. False when the server refused, or `isWanted` is false: no page waits
 * for it any more.
 */
export async function redeem(id: string, ticket: string, isWanted: () => boolean): Promise<boolean> {
  for (let failures = 0; isWanted(); failures += 1) {
    const answer = await call('POST', `/api/qr/${id}/redeem`, { body: { ticket }, timeoutMs: TIMEOUT_MS })
    if (answer.ok) return true
    const isLost = answer.code === 'network' || answer.code === 'unavailable' || answer.code === 'internal'
    if (!isLost) return false
    const waitMs = Math.min(MOST_MS, backoffMs(failures, Math.random()))
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  return false
}
