import type { PasskeyRequest } from '../account/passkey'
import { type ShownPerson, shownOf } from '../account/person'
import { type Keyring, keysNamed } from '../keys'
import { type AppView, type AskingApp, toAppView, toAskingApp } from './app'
import { type Attempt, attemptAt, type CancelledBy, isRunning, type Lifetimes, type Status } from './attempt'
import { codePeriodAt, encodeCode } from './code'
import type { MatchReason } from './risk'
import { encodeTicket, matchNumberOf } from './tokens'

/** What the computer may see: an allow-list. A field that is missing here is never sent. */
export interface AttemptView {
  id: string
  version: number
  status: Status
  /** The remaining time of this status; 0: ended. */
  expiresInMs: number
  code?: CodeView
  /** What is signed in to. Missing: our own home page. */
  app?: AppView
  person?: ShownPerson
  match?: { required: boolean; passed: boolean; attemptsLeft: number }
  ticket?: string
  cancelledBy?: CancelledBy
}

/** `expiresInMs`: the time until the next code. */
export interface CodeView {
  url: string
  expiresInMs: number
}

/** What the phone may see: an allow-list. It never contains the computer's address. */
export interface Review {
  claim: string
  /** `revoked`: redeemed, then signed out by "Wasn't you?". */
  status: Status | 'revoked'
  expiresInMs: number
  /** What is signed in to. Null: our own home page. */
  app: AskingApp | null
  /** The app runs on a device without a browser, which shows this code. */
  userCode?: string
  computer: {
    browser: string | null
    os: string | null
    place: string | null
    requestedAgoMs: number
    sameNetwork: boolean
    known: boolean
  }
  /** `reasons`: why the number is required. Empty: not required. */
  match: { required: boolean; number: string | null; passed: boolean; reasons: readonly MatchReason[] }
  cancelledBy?: CancelledBy
  /** What the phone signs to confirm with a passkey, after a scan: it has to. */
  passkey?: PasskeyRequest
  /** The person has no passkey. `must`: no sign-in can be confirmed before one is added. */
  addPasskey?: 'may' | 'must'
}

/** What a view needs in addition to the attempt. */
export interface ViewContext {
  keys: Keyring
  lifetimes: Lifetimes
  /** The origin in the QR URL, `{publicOrigin}/q#{code}`. */
  publicOrigin: string
}

export function toAttemptView(stored: Attempt, now: number, context: ViewContext): AttemptView {
  const attempt = attemptAt(stored, now)
  const { id, version, status } = attempt
  const view: AttemptView = { id, version, status, expiresInMs: remainingMs(attempt, now) }
  if (attempt.app !== undefined) view.app = toAppView(attempt.app)
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

/** The code of the period that contains `now`. The last one expires with the attempt. */
export function toCodeView(
  attempt: { id: string; createdAt: number; expiresAt: number; keyId?: string },
  now: number,
  { keys, lifetimes, publicOrigin }: ViewContext,
): CodeView {
  const { startsAt, endsAt } = codePeriodAt(attempt.createdAt, now, lifetimes.codePeriodMs)
  const url = `${publicOrigin}/q#${encodeCode(keysNamed(keys, attempt.keyId), attempt.id, startsAt)}`
  return { url, expiresInMs: Math.min(endsAt, attempt.expiresAt) - now }
}

/**
 * `stored` must have been scanned by the phone that receives the review. `claim`: from the request.
 * @throws Error before a scan.
 */
export function toReview(stored: Attempt, claim: string, now: number, keys: Keyring): Review {
  const attempt = attemptAt(stored, now)
  if (attempt.status === 'pending' || attempt.scan === null)
    throw new Error('an attempt has no review before it is scanned')
  const { app, computer, scan } = attempt
  const { required, passed, reasons = [] } = scan.match
  const number = required ? matchNumberOf(keysNamed(keys, attempt.keyId), attempt.id) : null
  const review: Review = {
    claim,
    status: attempt.status,
    expiresInMs: remainingMs(attempt, now),
    app: app === undefined ? null : toAskingApp(app),
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
  if (app?.userCode !== undefined) review.userCode = app.userCode
  if (attempt.status === 'cancelled') review.cancelledBy = attempt.cancelledBy
  return review
}

function remainingMs(attempt: Attempt, now: number): number {
  return isRunning(attempt) ? Math.max(0, attempt.expiresAt - now) : 0
}
