import { pause } from '../pause'
import { ENDED, type Transport } from './transport'

const POLL_EVERY_MS = 2_000

/** Polling, the last fallback: only waits, because the follower requests the state between runs. */
export const poll: Transport = async ({ signal }) => {
  await pause(POLL_EVERY_MS, signal)
  return ENDED
}
