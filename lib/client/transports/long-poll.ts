import type { AttemptView } from '../../core/attempt/views'
import type { Answer, CallOptions } from '../api'
import { ENDED, FAILED, type Transport } from './transport'

const WAIT_MS = 25_000

/** Sends a GET to our own server, as `call` does. */
export type GetAttempt = (path: string, options: CallOptions) => Promise<Answer<AttemptView | null>>

/** Long polling: the server responds when the attempt changes, or with 204 after 25 s. */
export function longPoll(get: GetAttempt): Transport {
  return async ({ path, version, signal, onAttempt }) => {
    const answer = await get(`${path}?after=${version}&waitMs=${WAIT_MS}`, { timeoutMs: WAIT_MS + 5_000, signal })
    if (signal.aborted) return ENDED
    if (!answer.ok) return FAILED
    if (answer.value !== null) onAttempt(answer.value)
    return { type: 'ended', isCurrent: true }
  }
}
