import {
  type Attempt,
  attemptAt,
  type CancelledBy,
  type Confirmed,
  isSamePhone,
  type Lifetimes,
  MATCH_TRIES,
  type Pending,
  type Phone,
  REDEEM_REPEAT_MS,
  type Redeemed,
  type Scanned,
  type Status,
} from './attempt'
import { ProtocolError } from './errors'

/** What can happen to an attempt. Who may cause it (cookie, claim, ticket) has been established before. */
export type AttemptEvent =
  | { type: 'scan'; phone: Phone; codeAlive: boolean; sameNetwork: boolean; known: boolean; matchRequired: boolean }
  | { type: 'match'; right: boolean }
  | { type: 'confirm'; phone: Phone }
  | { type: 'cancel'; by: Exclude<CancelledBy, 'match'> }
  | { type: 'redeem'; ticketRight: boolean; sessionId: string }

export type EventType = AttemptEvent['type']
type EventOf<T extends EventType> = Extract<AttemptEvent, { type: T }>

/** What an event leads to. The same object as before means: nothing to write. A refusal is answered after the write. */
export interface Outcome {
  attempt: Attempt
  refusal?: ProtocolError
}

type Cell<S extends Status, E extends EventType> = (
  attempt: Extract<Attempt, { status: S }>,
  event: EventOf<E>,
  time: { now: number; lifetimes: Lifetimes },
) => Outcome

/**
 * The state machine, cell by cell as in section 2 of PROTOCOL.md: for each status, what each event does.
 *
 *             scan            confirm           redeem
 * pending ───────────▶ scanned ───────▶ confirmed ───────▶ redeemed
 *    │                    │                 │
 *    └──── cancel ────────┴─────────────────┴──▶ cancelled
 *    └──── time ──────────┴─────────────────┴──▶ expired
 */
const TABLE: { [S in Status]: { [E in EventType]: Cell<S, E> } } = {
  pending: { scan: toScanned, match: wrongState, confirm: wrongState, cancel: toCancelled, redeem: wrongState },
  scanned: { scan: repeatScan, match: judgeMatch, confirm: toConfirmed, cancel: toCancelled, redeem: wrongState },
  confirmed: { scan: repeatScan, match: wrongState, confirm: repeatConfirm, cancel: toCancelled, redeem: toRedeemed },
  redeemed: { scan: wrongState, match: wrongState, confirm: repeatConfirm, cancel: wrongState, redeem: repeatRedeem },
  cancelled: { scan: ended, match: ended, confirm: ended, cancel: unchanged, redeem: ended },
  expired: { scan: tooLate, match: ended, confirm: ended, cancel: ended, redeem: ended },
}

/**
 * Applies one event. Pure: nothing is read but the arguments.
 *
 * Repeating a step by the same party gives the same answer, so a lost answer is never an error.
 * @throws ProtocolError when the state machine refuses; the attempt is unchanged then.
 */
export function transition(stored: Attempt, event: AttemptEvent, now: number, lifetimes: Lifetimes): Outcome {
  const attempt = attemptAt(stored, now)
  // The table's type pairs each cell with its status and event; TypeScript cannot follow the double lookup.
  const cell = TABLE[attempt.status][event.type] as (...args: Parameters<Cell<never, never>>) => Outcome
  const outcome = cell(attempt as never, event as never, { now, lifetimes })
  return outcome.attempt === attempt ? { ...outcome, attempt: stored } : outcome
}

function toScanned(attempt: Pending, event: EventOf<'scan'>, { now, lifetimes }: Time): Outcome {
  if (!event.codeAlive) throw new ProtocolError('code_expired')
  const { id, version, createdAt, computer } = attempt
  const match = { required: event.matchRequired, passed: false, attemptsLeft: MATCH_TRIES }
  const scan = { phone: event.phone, sameNetwork: event.sameNetwork, known: event.known, match }
  const expiresAt = now + lifetimes.confirmMs
  return { attempt: { id, version: version + 1, status: 'scanned', createdAt, computer, expiresAt, scan } }
}

/** The first scanner owns it; that phone may repeat, even when its code has died since. */
function repeatScan(attempt: Scanned | Confirmed, event: EventOf<'scan'>): Outcome {
  if (!isSamePhone(attempt.scan.phone, event.phone)) throw new ProtocolError('attempt_taken')
  return { attempt }
}

function judgeMatch(attempt: Scanned, event: EventOf<'match'>, { now }: Time): Outcome {
  const { match } = attempt.scan
  if (!match.required) throw new ProtocolError('match_not_due')
  if (match.passed) return { attempt }
  if (event.right) return { attempt: withMatch(attempt, { ...match, passed: true }) }
  const attemptsLeft = match.attemptsLeft - 1
  const spent = withMatch(attempt, { ...match, attemptsLeft })
  if (attemptsLeft > 0) return { attempt: spent, refusal: new ProtocolError('match_wrong', { attemptsLeft }) }
  return { attempt: cancelled(attempt, 'match', now, spent.scan), refusal: new ProtocolError('attempt_ended') }
}

function toConfirmed(attempt: Scanned, event: EventOf<'confirm'>, { now, lifetimes }: Time): Outcome {
  requireScanner(attempt, event.phone)
  const { match } = attempt.scan
  if (match.required && !match.passed) throw new ProtocolError('match_required')
  const { id, version, createdAt, computer, scan } = attempt
  const expiresAt = now + lifetimes.ticketMs
  return { attempt: { id, version: version + 1, status: 'confirmed', createdAt, computer, expiresAt, scan } }
}

function repeatConfirm(attempt: Confirmed | Redeemed, event: EventOf<'confirm'>): Outcome {
  requireScanner(attempt, event.phone)
  return { attempt }
}

function toCancelled(attempt: Pending | Scanned | Confirmed, event: EventOf<'cancel'>, { now }: Time): Outcome {
  return { attempt: cancelled(attempt, event.by, now, attempt.status === 'pending' ? null : attempt.scan) }
}

function toRedeemed(attempt: Confirmed, event: EventOf<'redeem'>, { now }: Time): Outcome {
  if (!event.ticketRight) throw new ProtocolError('ticket_wrong')
  const { id, version, createdAt, computer, scan } = attempt
  const { sessionId } = event
  return {
    attempt: { id, version: version + 1, status: 'redeemed', createdAt, computer, endedAt: now, scan, sessionId },
  }
}

/** The answer may have been lost on its way: for a short while the same ticket gives the same session again. */
function repeatRedeem(attempt: Redeemed, event: EventOf<'redeem'>, { now }: Time): Outcome {
  if (now - attempt.endedAt > REDEEM_REPEAT_MS) throw new ProtocolError('wrong_state')
  if (!event.ticketRight) throw new ProtocolError('ticket_wrong')
  return { attempt }
}

function wrongState(): never {
  throw new ProtocolError('wrong_state')
}

function ended(): never {
  throw new ProtocolError('attempt_ended')
}

function tooLate(_: Attempt, event: EventOf<'scan'>): never {
  throw new ProtocolError(event.codeAlive ? 'attempt_ended' : 'code_expired')
}

function unchanged(attempt: Attempt): Outcome {
  return { attempt }
}

type Time = Parameters<Cell<Status, EventType>>[2]

function requireScanner(attempt: Scanned | Confirmed | Redeemed, phone: Phone): void {
  if (!isSamePhone(attempt.scan.phone, phone)) throw new ProtocolError('claim_unknown')
}

function withMatch(attempt: Scanned, match: Scanned['scan']['match']): Scanned {
  return { ...attempt, version: attempt.version + 1, scan: { ...attempt.scan, match } }
}

function cancelled(attempt: Attempt, cancelledBy: CancelledBy, now: number, scan: Scanned['scan'] | null): Attempt {
  const { id, version, createdAt, computer } = attempt
  return { id, version: version + 1, status: 'cancelled', createdAt, computer, endedAt: now, scan, cancelledBy }
}
