import { pause } from '../pause'
import { ENDED, type Transport } from './transport'

const POLL_EVERY_MS = 2_000

/** The last resort: waits, and leaves it to the follower to request the state. */
export const poll: Transport = async ({ signal }) => {
  await pause(POLL_EVERY_MS, signal)
  return ENDED
}
