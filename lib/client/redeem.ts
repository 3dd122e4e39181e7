import { call } from './api'
import { backoffMs } from './backoff'

const TIMEOUT_MS = 3_000
const MAX_BACKOFF_MS = 2_000

/**
 * Redeems the ticket. Repeats the request until it has a response; a repeat gets the same session.
 * Returns null if the server refuses, or once `isWanted` returns false. `next`: the path at which
 * the request of an app goes on; null: there is none.
 */
export async function redeem(
  id: string,
  ticket: string,
  isWanted: () => boolean,
): Promise<{ next: string | null } | null> {
  for (let failures = 0; isWanted(); failures += 1) {
    const options = { body: { ticket }, timeoutMs: TIMEOUT_MS }
    const answer = await call<{ next?: string }>('POST', `/api/qr/${id}/redeem`, options)
    if (answer.ok) return { next: answer.value.next ?? null }
    const isLost = answer.code === 'network' || answer.code === 'unavailable' || answer.code === 'internal'
    if (!isLost) return null
    const waitMs = Math.min(MAX_BACKOFF_MS, backoffMs(failures, Math.random()))
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  return null
}
