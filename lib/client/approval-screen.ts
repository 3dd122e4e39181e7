import type { CancelledBy } from '../core/attempt/attempt'
import type { Review } from '../core/attempt/views'

/** Final states of the phone's question. */
export type Ending =
  /** The person declined. */
  | 'declined'
  /** "Not you?", or the page was left. */
  | 'cancelled_on_computer'
  /** Two wrong numbers. */
  | 'mismatch'
  /** The code or the time to answer has run out, or the attempt has gone. */
  | 'expired'
  /** The code has signed a computer in before. */
  | 'ended'
  | 'taken'
  | 'unknown'
  /** "Wasn't you?": the computer that had been let in is signed out. */
  | 'signed_out'
  /** "Wasn't you?" was refused: the computer may still be signed in. */
  | 'sign_out_failed'

/** State of the phone's question; `state` is the `data-state` of the review. */
export type ApprovalScreen =
  /** `opened`: a foreign page may have opened this one, so nothing is sent before a tap. */
  | { state: 'opened' | 'checking' | 'needs_sign_in' | Ending }
  | { state: 'review'; review: Review }
  | { state: 'submitting'; review: Review; step: 'confirm' | 'cancel' }
  /** `signOut`: the progress of "Wasn't you?". `waiting`: no answer yet, so it is sent again. */
  | { state: 'approved'; signOut: 'offered' | 'sending' | 'waiting' }
  | { state: 'offline' | 'error'; reference: string | null }
  /** `endsAt`: on the monotonic clock. */
  | { state: 'rate_limited'; endsAt: number }

/** The ending of a cancelled attempt on the phone, by the party that cancelled it. */
export const CANCELLED: Record<CancelledBy, Ending> = {
  phone: 'declined',
  computer: 'cancelled_on_computer',
  match: 'mismatch',
}
