import { ProtocolError } from '../errors'
import {
  type Attempt,
  attemptAt,
  type Cancelled,
  type CancelledBy,
  CLOCK_SLACK_MS,
  type Confirmed,
  isSamePhone,
  type Lifetimes,
  MATCH_TRIES,
  nextBase,
  type Pending,
  type Phone,
  REDEEM_REPEAT_MS,
  REVOKE_MS,
  type Redeemed,
  type Scanned,
  type Status,
  scannerOf,
} from './attempt'
import type { PasskeyState } from './confirm-policy'
import type { MatchReason } from './risk'

/** The events of an attempt. The caller has checked before that the client may cause them. */
export type AttemptEvent =
  | {
      type: 'scan'
      phone: Phone
      codeAlive: boolean
      sameNetwork: boolean
      known: boolean
      /** Why the number has to be typed. Empty: not required. */
      matchReasons: readonly MatchReason[]
    }
  | { type: 'match'; right: boolean }
  | {
      type: 'confirm'
      phone: Phone
      passkey: PasskeyState
    }
  /** `phone`: null when the computer cancels. */
  | { type: 'cancel'; phone: Phone | null }
  /** `maxTries`: how often its browser may try, repeats included. */
  | { type: 'redeem'; ticketRight: boolean; sessionId: string; maxTries: number }

export type EventType = AttemptEvent['type']
type EventOf<T extends EventType> = Extract<AttemptEvent, { type: T }>

/**
 * The result of an event. If `attempt` is the same object as before, nothing has to be written. A
 * refusal is sent after the write.
 */
export interface Outcome {
  attempt: Attempt
  refusal?: ProtocolError
  /** The id of the session that has to be signed out, by "Wasn't you?". */
  revokes?: string
}

type Cell<S extends Status, E extends EventType> = (
  attempt: Extract<Attempt, { status: S }>,
  event: EventOf<E>,
  time: { now: number; lifetimes: Lifetimes },
) => Outcome

/**
 * The state machine: what each event does in each status. The same table is in section 2 of
 * PROTOCOL.md.
 *
 *             scan            confirm           redeem
 * pending ───────────▶ scanned ───────▶ confirmed ───────▶ redeemed
 *    │                    │                 │
 *    └──── cancel ────────┴─────────────────┴──▶ cancelled
 *    └──── time ──────────┴─────────────────┴──▶ expired
 */
const TABLE: { [S in Status]: { [E in EventType]: Cell<S, E> } } = {
  pending: { scan: toScanned, match: wrongState, confirm: wrongState, cancel: toCancelled, redeem: wrongState },
  scanned: { scan: repeatScan, match: checkMatch, confirm: toConfirmed, cancel: toCancelled, redeem: wrongState },
  confirmed: { scan: repeatScan, match: wrongState, confirm: repeatConfirm, cancel: toCancelled, redeem: toRedeemed },
  redeemed: { scan: wrongState, match: wrongState, confirm: repeatConfirm, cancel: revoke, redeem: repeatRedeem },
  cancelled: { scan: ended, match: ended, confirm: ended, cancel: repeatCancel, redeem: ended },
  expired: { scan: tooLate, match: ended, confirm: ended, cancel: ended, redeem: ended },
}

/**
 * Applies one event. Pure: it reads only its arguments.
 *
 * If the same party repeats a step, the result is the same, so a lost response is never an error.
 * @throws ProtocolError if the state machine refuses; the attempt is unchanged then.
 */
export function transition(stored: Attempt, event: AttemptEvent, now: number, lifetimes: Lifetimes): Outcome {
  const attempt = attemptAt(stored, now)
  // The table's type pairs each cell with its status and event; TypeScript cannot follow the double
  // lookup.
  const cell = TABLE[attempt.status][event.type] as (...args: Parameters<Cell<never, never>>) => Outcome
  const outcome = cell(attempt as never, event as never, { now, lifetimes })
  return outcome.attempt === attempt ? { ...outcome, attempt: stored } : outcome
}

function toScanned(attempt: Pending, event: EventOf<'scan'>, { now, lifetimes }: Time): Outcome {
  if (!event.codeAlive) throw new ProtocolError('code_expired')
  const { phone, sameNetwork, known, matchReasons: reasons } = event
  const match = { required: reasons.length > 0, passed: false, attemptsLeft: MATCH_TRIES, reasons }
  const scan = { phone, scannedAt: now, sameNetwork, known, match }
  return { attempt: { ...nextBase(attempt), status: 'scanned', expiresAt: now + lifetimes.confirmMs, scan } }
}

/** Only the phone that scanned may repeat the scan, even if its code has expired since. */
function repeatScan(attempt: Scanned | Confirmed, event: EventOf<'scan'>): Outcome {
  if (!isSamePhone(attempt.scan.phone, event.phone)) throw new ProtocolError('attempt_taken')
  return { attempt }
}

function checkMatch(attempt: Scanned, event: EventOf<'match'>, { now }: Time): Outcome {
  const { match } = attempt.scan
  if (!match.required) throw new ProtocolError('match_not_due')
  if (match.passed) return { attempt }
  if (event.right) return { attempt: replaceMatch(attempt, { ...match, passed: true }) }
  const attemptsLeft = match.attemptsLeft - 1
  const spent = replaceMatch(attempt, { ...match, attemptsLeft })
  if (attemptsLeft > 0) return { attempt: spent, refusal: new ProtocolError('match_wrong', { attemptsLeft }) }
  return { attempt: cancelled(attempt, 'match', now, spent.scan), refusal: new ProtocolError('attempt_ended') }
}

function toConfirmed(attempt: Scanned, event: EventOf<'confirm'>, { now, lifetimes }: Time): Outcome {
  requireScanner(attempt, event.phone)
  const { scan } = attempt
  if (scan.match.required && !scan.match.passed) throw new ProtocolError('match_required')
  // Not negative: the clocks of two processes differ by a millisecond or two.
  const readMs = Math.max(0, now - (scan.scannedAt ?? 0))
  if (readMs < lifetimes.confirmMinMs) throw new ProtocolError('too_soon', { retryAfterS: 1 })
  if (event.passkey === 'missing') throw new ProtocolError('passkey_required')
  const confirmed = event.passkey === 'verified' ? { ...scan, passkey: true as const } : scan
  const expiresAt = now + lifetimes.ticketMs
  return { attempt: { ...nextBase(attempt), status: 'confirmed', expiresAt, scan: confirmed } }
}

function repeatConfirm(attempt: Confirmed | Redeemed, event: EventOf<'confirm'>): Outcome {
  requireScanner(attempt, event.phone)
  return { attempt }
}

/**
 * A phone that cancels a pending attempt has a claim: the store has lost its scan in a failover.
 * The attempt is cancelled, and there is no review to return.
 */
function toCancelled(attempt: Pending | Scanned | Confirmed, event: EventOf<'cancel'>, { now }: Time): Outcome {
  const { phone } = event
  const by = phone === null ? 'computer' : 'phone'
  if (attempt.status === 'pending') {
    const refusal = phone === null ? {} : { refusal: new ProtocolError('attempt_ended') }
    return { attempt: cancelled(attempt, by, now, null), ...refusal }
  }
  if (phone !== null) requireScanner(attempt, phone)
  return { attempt: cancelled(attempt, by, now, attempt.scan) }
}

/** "Wasn't you?" on the phone. The attempt stays redeemed, and a repeat has the same result. */
function revoke(attempt: Redeemed, event: EventOf<'cancel'>, { now }: Time): Outcome {
  if (event.phone === null || now - attempt.endedAt > REVOKE_MS) throw new ProtocolError('wrong_state')
  requireScanner(attempt, event.phone)
  return { attempt, revokes: attempt.sessionId }
}

function toRedeemed(attempt: Confirmed, event: EventOf<'redeem'>, { now }: Time): Outcome {
  const redeemTries = countTry(attempt, event.maxTries, attempt.expiresAt - now)
  const { scan, expiresAt } = attempt
  if (!event.ticketRight) {
    const tried: Confirmed = { ...nextBase(attempt), status: 'confirmed', expiresAt, scan, redeemTries }
    return { attempt: tried, refusal: new ProtocolError('ticket_wrong') }
  }
  const { sessionId } = event
  return { attempt: { ...nextBase(attempt), status: 'redeemed', endedAt: now, scan, sessionId, redeemTries } }
}

/** The response may have been lost: for a short time the same ticket returns the same session. */
function repeatRedeem(attempt: Redeemed, event: EventOf<'redeem'>, { now }: Time): Outcome {
  const repeatEndsAt = attempt.endedAt + REDEEM_REPEAT_MS
  // An end in the future was written before the clock was set back: its age is unknown.
  const isAhead = now < attempt.endedAt - CLOCK_SLACK_MS
  if (now > repeatEndsAt || isAhead) throw new ProtocolError('wrong_state')
  const redeemTries = countTry(attempt, event.maxTries, repeatEndsAt - now)
  const { scan, endedAt, sessionId } = attempt
  const tried: Redeemed = { ...nextBase(attempt), status: 'redeemed', endedAt, scan, sessionId, redeemTries }
  return event.ticketRight ? { attempt: tried } : { attempt: tried, refusal: new ProtocolError('ticket_wrong') }
}

/**
 * @throws ProtocolError `rate_limited` if the browser has no try left. `leftMs`: the time after
 * which no try can succeed.
 */
function countTry({ redeemTries = 0 }: Confirmed | Redeemed, maxTries: number, leftMs: number): number {
  if (redeemTries < maxTries) return redeemTries + 1
  const retryAfterS = Math.max(1, Math.ceil(leftMs / 1000))
  throw new ProtocolError('rate_limited', { retryAfterS, limit: 'redeem' })
}

function wrongState(): never {
  throw new ProtocolError('wrong_state')
}

/** Only the phone that scanned receives `cancelledBy`. */
function ended(attempt: Attempt, event: AttemptEvent): never {
  const phone = 'phone' in event ? event.phone : null
  const scanner = scannerOf(attempt)
  const isScanner = phone !== null && scanner !== null && isSamePhone(phone, scanner)
  const cancelledBy = attempt.status === 'cancelled' && isScanner ? attempt.cancelledBy : undefined
  throw new ProtocolError('attempt_ended', cancelledBy === undefined ? {} : { cancelledBy })
}

function tooLate(_: Attempt, event: EventOf<'scan'>): never {
  throw new ProtocolError(event.codeAlive ? 'attempt_ended' : 'code_expired')
}

/**
 * A phone that is not the scanner has no review: the store may have lost its scan in a failover,
 * and the computer may have cancelled since.
 */
function repeatCancel(attempt: Cancelled, event: EventOf<'cancel'>): Outcome {
  const scanner = scannerOf(attempt)
  const isParty = event.phone === null || (scanner !== null && isSamePhone(event.phone, scanner))
  return isParty ? { attempt } : ended(attempt, event)
}

type Time = Parameters<Cell<Status, EventType>>[2]

function requireScanner(attempt: Scanned | Confirmed | Redeemed, phone: Phone): void {
  if (!isSamePhone(attempt.scan.phone, phone)) throw new ProtocolError('claim_unknown')
}

function replaceMatch(attempt: Scanned, match: Scanned['scan']['match']): Scanned {
  return { ...attempt, version: attempt.version + 1, scan: { ...attempt.scan, match } }
}

function cancelled(attempt: Attempt, cancelledBy: CancelledBy, now: number, scan: Scanned['scan'] | null): Attempt {
  return { ...nextBase(attempt), status: 'cancelled', endedAt: now, scan, cancelledBy }
}
