import type { CancelledBy } from '../core/attempt/attempt'
import type { Review } from '../core/attempt/views'
import type { ErrorCode } from '../core/errors'
import type { Refused } from './api'

/** Final states of the review on the phone. */
export type Ending =
  /** The person declined. */
  | 'declined'
  /** "Not you?" was tapped on the computer, or its page was closed. */
  | 'cancelled_on_computer'
  /** Two wrong match numbers. */
  | 'mismatch'
  /** The code or the time to answer has expired, or the attempt no longer exists. */
  | 'expired'
  /** The code has already signed a computer in. */
  | 'ended'
  /** Another phone has scanned the code. */
  | 'taken'
  | 'unknown'
  /** "Wasn't you?" succeeded: the computer that had been signed in is signed out. */
  | 'signed_out'
  /** "Wasn't you?" was refused: the computer may still be signed in. */
  | 'sign_out_failed'

/** How the person confirms a review. */
export type LockStep =
  /** With a tap alone. */
  | 'tap'
  /** With a passkey: the browser asks for the phone's lock. */
  | 'passkey'
  /** With a tap. The person has no passkey, and may add one. */
  | 'may_add'
  /** Not before the person has added a passkey. */
  | 'must_add'
  /** Not here: a passkey is required, and this browser can use none. */
  | 'unable'

/** Why the last try with a passkey did not succeed. */
export type LockProblem =
  /** The person closed the browser's dialog, or it found no passkey. */
  | 'not_confirmed'
  /** The server refused the passkey. */
  | 'wrong'
  /** The browser could not use the passkey. */
  | 'failed'
  /** The person closed the browser's dialog for a new passkey. */
  | 'not_added'
  | 'add_failed'

/** An undecided review, and how it is confirmed. */
export interface ReviewScreen {
  review: Review
  lock: LockStep
  /** Null: no try has failed since the last tap. */
  problem: LockProblem | null
}

/** What the person has tapped. */
export type ApprovalStep = 'confirm' | 'cancel' | 'add_passkey'

/** Why a typed code was not scanned. `limited`: too many wrong ones; `endsAt`: monotonic clock. */
export type TypedCodeProblem = { reason: 'malformed' | 'unknown' } | { reason: 'limited'; endsAt: number }

/** State of the review on the phone; `state` is its `data-state`. */
export type ApprovalScreen =
  /** `opened`: a foreign page may have opened this one, so nothing is sent before a tap. */
  | { state: 'opened' | 'checking' | 'needs_sign_in' | Ending }
  /** There is no code. `typed`: what the person has typed before. */
  | { state: 'type_code'; typed: string; problem: TypedCodeProblem | null }
  | ({ state: 'review' } & ReviewScreen)
  | ({ state: 'submitting'; step: ApprovalStep } & ReviewScreen)
  /**
   * `signOut`: progress of "Wasn't you?". `waiting`: no response yet; the request is repeated.
   * `app`: the name of the app that is signed in to; null: our own home page. `isDevice`: it runs
   * on a device without a browser.
   */
  | { state: 'approved'; signOut: 'offered' | 'sending' | 'waiting'; app: string | null; isDevice: boolean }
  | { state: 'offline' | 'error'; reference: string | null }
  /** `endsAt`: on the monotonic clock (`performance.now()`). */
  | { state: 'rate_limited'; endsAt: number }

/** The ending by the status of the attempt or, if it was cancelled, by the party that did it. */
export const ENDINGS: Record<CancelledBy | 'expired' | 'revoked', Ending> = {
  phone: 'declined',
  computer: 'cancelled_on_computer',
  match: 'mismatch',
  expired: 'expired',
  revoked: 'signed_out',
}

/** `attempt_ended` is missing: its ending depends on `cancelledBy`. */
const REFUSED: Partial<Record<ErrorCode | 'network', Ending>> = {
  code_unknown: 'unknown',
  bad_request: 'unknown',
  code_expired: 'expired',
  claim_unknown: 'expired',
  attempt_taken: 'taken',
  wrong_state: 'ended',
}

/**
 * Null for a refusal that does not end the review. Without `cancelledBy` an ended attempt was not
 * cancelled, or it ended before this phone scanned it.
 */
export function findEnding({ code, cancelledBy }: Refused): Ending | null {
  return (code === 'attempt_ended' ? ENDINGS[cancelledBy ?? 'expired'] : REFUSED[code]) ?? null
}
