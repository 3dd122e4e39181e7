// The state table of PROTOCOL.md, section 2, written a second time and independently: how each
// operation can go in each state. Where time decides and the history is inconclusive, both outcomes
// are given.
import type { Operation } from './history'
import type { Span } from './rules'

type Status = 'pending' | 'scanned' | 'confirmed' | 'redeemed' | 'cancelled' | 'expired' | 'lost'

/** One attempt and the session that it led to. */
export interface State {
  /** `lost`: a failover has lost it. */
  status: Status
  version: number
  scanner: string | null
  matchDue: boolean
  passed: boolean
  /** Of the number. */
  triesLeft: number
  /** Tries to redeem. */
  redeems: number
  session: 'none' | 'live' | 'ended'
  /** Signed out everywhere since its scan. */
  barred: boolean
  /** The earliest moment at which this status began. */
  since: number
  /** The latest one. */
  until: number
  scanSince: number
  scanUntil: number
}

/** What the response contains; what is not given can be anything. */
export interface Expected {
  status: number
  code?: string
  view?: string
  version?: number
  attemptsLeft?: number
  signedIn?: boolean
  required?: boolean
}

export interface Outcome {
  state: State
  response: Expected
}

export interface Options {
  /** As `isTimeSure` of ./rules. */
  isTimeSure: (began: Span, seen: Span) => boolean
}

const LIFETIME_MS: Partial<Record<Status, number>> = { pending: 300_000, scanned: 120_000, confirmed: 60_000 }
const CONFIRM_MIN_MS = 700
const REDEEM_REPEAT_MS = 10_000
const REDEEM_TRIES = 5
/** Between the clock of a client and that of the service, and for the steps inside it. */
const SLACK_MS = 1_000

export const LOST: State = {
  ...{ status: 'lost', version: 0, scanner: null, matchDue: false, passed: false, triesLeft: 0, redeems: 0 },
  ...{ session: 'none', barred: false, since: 0, until: 0, scanSince: 0, scanUntil: 0 },
}

export function started(start: Operation): State {
  const until = start.answeredAt ?? start.sentAt
  return { ...LOST, status: 'pending', version: 1, triesLeft: 2, since: start.sentAt, until }
}

/** Every way in which the operation can go when it takes effect in this state. */
export function outcomes(state: State, operation: Operation, options: Options): Outcome[] {
  const [from, to] = spanOf(operation)
  const isUnsure = !options.isTimeSure([state.since, state.until], [from, to])
  const found: Outcome[] = []
  const lifetime = LIFETIME_MS[state.status] ?? Number.POSITIVE_INFINITY
  if (isUnsure || from <= state.until + lifetime + SLACK_MS) found.push(...step(state, operation, options))
  // Both are derived from time: an operation then changes nothing.
  const derived: State[] = []
  if (state.status in LIFETIME_MS && (isUnsure || to >= state.since + lifetime - SLACK_MS)) {
    derived.push({ ...state, status: 'expired', version: state.version + 1 })
  }
  // When its time is over, and that of its tombstone too.
  if (isUnsure) derived.push(LOST)
  for (const each of derived) {
    found.push(...step(each, operation, options).map(({ response }) => ({ state, response })))
  }
  return found
}

/** When the operation can take effect. */
function spanOf({ sentAt, answeredAt }: Operation): Span {
  return [sentAt, answeredAt ?? Number.POSITIVE_INFINITY]
}

function step(state: State, operation: Operation, options: Options): Outcome[] {
  switch (operation.kind) {
    case 'show':
      return [{ state, response: show(state) }]
    case 'scan':
      return scan(state, operation, options)
    case 'match':
      return [match(state, operation)]
    case 'confirm':
      return confirm(state, operation, options)
    case 'cancel':
      return cancel(state, operation, options)
    case 'leave':
      return [leave(state, operation)]
    case 'redeem':
      return redeem(state, operation, options)
    case 'session':
    case 'list':
      return readSession(state, operation, options)
    case 'signOut':
      return [{ state: endSession(state), response: { status: 204 } }]
    case 'signOutFromPhone':
      return [
        ...(state.session === 'live' ? [] : [{ state, response: { status: 404, code: 'not_found' } }]),
        { state: endSession(state), response: { status: 204 } },
      ]
    case 'signOutAll':
      return [{ state: { ...endSession(state), barred: state.scanner !== null }, response: { status: 204 } }]
    // These are not in the table.
    case 'start':
    case 'notice':
    case 'silence':
      return []
    default:
      throw operation.kind satisfies never
  }
}

function show({ status, version, passed, triesLeft, matchDue }: State): Expected {
  if (status === 'lost') return { status: 404, code: 'not_found' }
  if (status !== 'scanned') return { status: 200, view: status, version }
  const left = matchDue && !passed ? { attemptsLeft: triesLeft } : {}
  return { status: 200, view: status, version, required: matchDue, ...left }
}

function scan(state: State, operation: Operation, options: Options): Outcome[] {
  const { client, known } = operation
  const refuse = (status: number, code: string): Outcome => ({ state, response: { status, code } })
  const [sentAt, to] = spanOf(operation)
  const isUnsure = !options.isTimeSure([known.codeReadAt ?? sentAt, sentAt], [sentAt, to])
  const mayBeExpired = isUnsure || to >= (known.codeGoneFrom ?? Number.POSITIVE_INFINITY)
  const mayBeValid = isUnsure || sentAt <= (known.codeGoneBy ?? Number.POSITIVE_INFINITY)
  const expired = mayBeExpired ? [refuse(410, 'code_expired')] : []
  switch (state.status) {
    case 'pending': {
      if (!mayBeValid) return expired
      const matchDue = known.matchDue === true
      const next = advance(state, 'scanned', operation, { scanner: client, matchDue })
      const times = { scanSince: next.since, scanUntil: next.until }
      const response = { status: 200, view: 'scanned', required: matchDue }
      return [...expired, { state: { ...next, ...times }, response }]
    }
    case 'scanned':
    case 'confirmed':
      if (state.scanner !== client) return [refuse(409, 'attempt_taken')]
      return [{ state, response: { status: 200, view: state.status, required: state.matchDue } }]
    case 'redeemed':
      return [refuse(409, 'wrong_state')]
    case 'lost':
      return [refuse(404, 'code_unknown'), ...expired]
    case 'cancelled':
      return [refuse(410, 'attempt_ended')]
    case 'expired':
      return [refuse(410, 'attempt_ended'), ...expired]
    default:
      throw state.status satisfies never
  }
}

function match(state: State, operation: Operation): Outcome {
  if (state.status !== 'scanned') return { state, response: refusal(state, 'not_found') }
  if (!state.matchDue) return { state, response: { status: 409, code: 'match_not_due' } }
  const version = state.version + 1
  if (state.passed) return { state, response: { status: 200, view: 'scanned', version: state.version } }
  if (operation.known.right) {
    return { state: { ...state, version, passed: true }, response: { status: 200, view: 'scanned', version } }
  }
  const triesLeft = state.triesLeft - 1
  if (triesLeft === 0) {
    return { state: advance(state, 'cancelled', operation), response: { status: 410, code: 'attempt_ended' } }
  }
  const response = { status: 409, code: 'match_wrong', attemptsLeft: triesLeft }
  return { state: { ...state, version, triesLeft }, response }
}

function confirm(state: State, operation: Operation, options: Options): Outcome[] {
  if (!['scanned', 'confirmed', 'redeemed'].includes(state.status)) {
    return [{ state, response: refusal(state, 'claim_unknown') }]
  }
  if (state.scanner !== operation.client) return [{ state, response: { status: 404, code: 'claim_unknown' } }]
  if (state.status !== 'scanned') return [{ state, response: { status: 200, view: state.status } }]
  if (state.matchDue && !state.passed) return [{ state, response: { status: 409, code: 'match_required' } }]
  const [sentAt, to] = spanOf(operation)
  const isUnsure = !options.isTimeSure([state.scanSince, state.scanUntil], [sentAt, to])
  const found: Outcome[] = []
  if (isUnsure || sentAt <= state.scanUntil + CONFIRM_MIN_MS + SLACK_MS) {
    found.push({ state, response: { status: 409, code: 'too_soon' } })
  }
  if (isUnsure || to >= state.scanSince + CONFIRM_MIN_MS) {
    found.push({ state: advance(state, 'confirmed', operation), response: { status: 200, view: 'confirmed' } })
  }
  return found
}

/** By the phone. */
function cancel(state: State, operation: Operation, options: Options): Outcome[] {
  const isScanner = state.scanner === operation.client
  // Its scan was lost in a failover.
  if (state.status === 'pending') {
    return [{ state: advance(state, 'cancelled', operation), response: { status: 410, code: 'attempt_ended' } }]
  }
  if (isRunning(state)) {
    if (!isScanner) return [{ state, response: { status: 404, code: 'claim_unknown' } }]
    return [{ state: advance(state, 'cancelled', operation), response: { status: 200, view: 'cancelled' } }]
  }
  if (state.status === 'cancelled') {
    return [{ state, response: isScanner ? { status: 200, view: 'cancelled' } : refusal(state, 'claim_unknown') }]
  }
  if (state.status !== 'redeemed') return [{ state, response: refusal(state, 'claim_unknown') }]
  if (!isScanner) return [{ state, response: { status: 404, code: 'claim_unknown' } }]
  const revoked = { state: endSession(state), response: { status: 200, view: 'revoked' } }
  if (options.isTimeSure([state.since, state.until], spanOf(operation))) return [revoked]
  return [revoked, { state, response: { status: 409, code: 'wrong_state' } }]
}

/** By the computer. */
function leave(state: State, operation: Operation): Outcome {
  if (isRunning(state)) return { state: advance(state, 'cancelled', operation), response: { status: 204 } }
  return { state, response: state.status === 'cancelled' ? { status: 204 } : refusal(state, 'not_found') }
}

/** With the right ticket. */
function redeem(state: State, operation: Operation, options: Options): Outcome[] {
  if (state.status !== 'confirmed' && state.status !== 'redeemed') {
    return [{ state, response: refusal(state, 'not_found') }]
  }
  const tooOften: Outcome = { state, response: { status: 429, code: 'rate_limited' } }
  const tried = { ...state, version: state.version + 1, redeems: state.redeems + 1 }
  if (state.status === 'confirmed') {
    if (state.barred) return [{ state, response: { status: 410, code: 'attempt_ended' } }]
    if (state.redeems >= REDEEM_TRIES) return [tooOften]
    const redeemed = advance(tried, 'redeemed', operation)
    return [{ state: { ...redeemed, version: tried.version, session: 'live' }, response: { status: 200 } }]
  }
  const [sentAt, to] = spanOf(operation)
  const isUnsure = !options.isTimeSure([state.since, state.until], [sentAt, to])
  const found: Outcome[] = []
  if (isUnsure || to >= state.since + REDEEM_REPEAT_MS - SLACK_MS) {
    found.push({ state, response: { status: 409, code: 'wrong_state' } })
  }
  if (isUnsure || sentAt <= state.until + REDEEM_REPEAT_MS + SLACK_MS) {
    if (state.redeems >= REDEEM_TRIES) found.push(tooOften)
    else if (state.session === 'live') found.push({ state: tried, response: { status: 200 } })
    else found.push({ state: tried, response: { status: 409, code: 'wrong_state' } })
  }
  return found
}

function readSession(state: State, operation: Operation, options: Options): Outcome[] {
  const found: Outcome[] = [{ state, response: { status: 200, signedIn: state.session === 'live' } }]
  // On a clock that is a day ahead the session has expired; when the clock is right again, it has
  // not.
  const isSure = options.isTimeSure([state.since, state.until], spanOf(operation))
  if (state.session === 'live' && !isSure) {
    found.push({ state, response: { status: 200, signedIn: false } })
  }
  return found
}

function isRunning({ status }: State): boolean {
  return ['pending', 'scanned', 'confirmed'].includes(status)
}

/** The response to a step that this state does not allow; `unknown`: the code where it is lost. */
function refusal({ status }: State, unknown: string): Expected {
  if (status === 'lost') return { status: 404, code: unknown }
  if (status === 'cancelled' || status === 'expired') return { status: 410, code: 'attempt_ended' }
  return { status: 409, code: 'wrong_state' }
}

function advance(state: State, status: Status, operation: Operation, more: Partial<State> = {}): State {
  const [sentAt, until] = spanOf(operation)
  // It began after the status before it.
  return { ...state, ...more, status, version: state.version + 1, since: Math.max(sentAt, state.since), until }
}

function endSession(state: State): State {
  return state.session === 'live' ? { ...state, session: 'ended' } : state
}
