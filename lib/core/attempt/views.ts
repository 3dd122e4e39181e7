import { type ShownPerson, shownOf } from '../account/person'
import { type Keyring, keysNamed } from '../keys'
import { type Attempt, attemptAt, type CancelledBy, isRunning, type Lifetimes, type Status } from './attempt'
import { codePeriodAt, encodeCode } from './code'
import type { MatchReason } from './risk'
import { encodeTicket, matchNumberOf } from './tokens'

/** What the computer may see. An allow-list: a field that is not named here never leaves. */
export interface AttemptView {
  id: string
  version: number
  status: Status
  /** Of this status; 0 when it has ended. */
  expiresInMs: number
  code?: CodeView
  person?: ShownPerson
  match?: { required: boolean; passed: boolean; attemptsLeft: number }
  ticket?: string
  cancelledBy?: CancelledBy
}

/** `expiresInMs`: until the next code. */
export interface CodeView {
  url: string
  expiresInMs: number
}

/** What the phone may see. Never the computer's address. */
export interface Review {
  claim: string
  /** `revoked`: redeemed, and its computer was signed out by "Wasn't you?". */
  status: Status | 'revoked'
  expiresInMs: number
  computer: {
    browser: string | null
    os: string | null
    place: string | null
    requestedAgoMs: number
    sameNetwork: boolean
    known: boolean
  }
  /** `reasons`: why the number is required; empty when it is not. */
  match: { required: boolean; number: string | null; passed: boolean; reasons: readonly MatchReason[] }
  /** Only when it was cancelled. */
  cancelledBy?: CancelledBy
}

/** What a view needs beyond the attempt. */
export interface ViewContext {
  keys: Keyring
  lifetimes: Lifetimes
  /** Where phones reach us; the code is `{origin}/q#{code}`. */
  publicOrigin: string
}

export function toAttemptView(stored: Attempt, now: number, context: ViewContext): AttemptView {
  const attempt = attemptAt(stored, now)
  const { id, version, status } = attempt
  const view: AttemptView = { id, version, status, expiresInMs: remainingMs(attempt, now) }
  if (attempt.status === 'pending') view.code = toCodeView(attempt, now, context)
  if (attempt.status === 'cancelled') view.cancelledBy = attempt.cancelledBy
  if (attempt.status === 'scanned' || attempt.status === 'confirmed') view.person = shownOf(attempt.scan.phone.person)
  if (attempt.status === 'scanned') {
    const { required, passed, attemptsLeft } = attempt.scan.match
    view.match = { required, passed, attemptsLeft }
  }
  if (attempt.status === 'confirmed') view.ticket = encodeTicket(keysNamed(context.keys, attempt.keyId), id)
  return view
}

/** The code of the period that holds `now`. The last one ends with the attempt. */
export function toCodeView(
  attempt: { id: string; createdAt: number; expiresAt: number; keyId?: string },
  now: number,
  { keys, lifetimes, publicOrigin }: ViewContext,
): CodeView {
  const { startsAt, endsAt } = codePeriodAt(attempt.createdAt, now, lifetimes.codePeriodMs)
  const url = `${publicOrigin}/q#${encodeCode(keysNamed(keys, attempt.keyId), attempt.id, startsAt)}`
  return { url, expiresInMs: Math.min(endsAt, attempt.expiresAt) - now }
}

/** `attempt` must have been scanned: only its scanner may look. The claim is the caller's own. */
export function toReview(stored: Attempt, claim: string, now: number, keys: Keyring): Review {
  const attempt = attemptAt(stored, now)
  if (attempt.status === 'pending' || attempt.scan === null) throw new Error('a review exists after a scan only')
  const { computer, scan } = attempt
  const { required, passed, reasons = [] } = scan.match
  const number = required ? matchNumberOf(keysNamed(keys, attempt.keyId), attempt.id) : null
  const review: Review = {
    claim,
    status: attempt.status,
    expiresInMs: remainingMs(attempt, now),
    computer: {
      browser: computer.browser,
      os: computer.os,
      place: computer.place,
      requestedAgoMs: Math.max(0, now - attempt.createdAt),
      sameNetwork: scan.sameNetwork,
      known: scan.known,
    },
    match: { required, number, passed, reasons },
  }
  if (attempt.status === 'cancelled') review.cancelledBy = attempt.cancelledBy
  return review
}

function remainingMs(attempt: Attempt, now: number): number {
  return isRunning(attempt) ? Math.max(0, attempt.expiresAt - now) : 0
}
