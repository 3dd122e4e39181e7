// The state table of PROTOCOL.md, section 2, written a second time and by itself: what each
// operation may answer in each state. Where time decides and the history cannot tell, both outcomes
// are given.

/**
 * @typedef {import('./history.mjs').Operation} Operation
 *
 * One attempt and the session that it led to. `lost`: a failover has forgotten it.
 * @typedef {object} State
 * @property {'pending' | 'scanned' | 'confirmed' | 'redeemed' | 'cancelled' | 'expired' | 'lost'}
 * status
 * @property {number} version
 * @property {string | null} scanner
 * @property {boolean} matchDue
 * @property {boolean} passed
 * @property {number} triesLeft of the number
 * @property {number} redeems tries to redeem
 * @property {'none' | 'live' | 'ended'} session
 * @property {boolean} barred signed out everywhere since its scan
 * @property {number} since the earliest moment at which this status began
 * @property {number} until the latest one
 * @property {number} scanSince
 * @property {number} scanUntil
 *
 * @typedef {{ status: number, code?: string, view?: string, version?: number, attemptsLeft?:
 * number,
 *   signedIn?: boolean, required?: boolean }} Answer
 * @typedef {{ state: State, answer: Answer }} Outcome
 *
 * `isTimeSure`: whether no change of a clock can have a say in how much time has passed from the
 * first span, in which something began, to the second, in which it is looked at.
 * @typedef {{ isTimeSure: (since: number, until: number, from: number, to: number) => boolean }}
 * Options
 */

/** @type {Record<string, number>} */
const LIFETIME_MS = { pending: 300_000, scanned: 120_000, confirmed: 60_000 }
const CONFIRM_MIN_MS = 700
const REDEEM_REPEAT_MS = 10_000
const REDEEM_TRIES = 5
/** Between the clock of a client and that of the service, and for the steps inside it. */
const SLACK_MS = 1_000

/** @type {State} */
export const LOST = {
  ...{ status: 'lost', version: 0, scanner: null, matchDue: false, passed: false, triesLeft: 0, redeems: 0 },
  ...{ session: 'none', barred: false, since: 0, until: 0, scanSince: 0, scanUntil: 0 },
}

/** @param {Operation} start @returns {State} */
export function started(start) {
  const until = start.answeredAt ?? start.sentAt
  return { ...LOST, status: 'pending', version: 1, triesLeft: 2, since: start.sentAt, until }
}

/**
 * Every way in which the operation can go when it takes effect in this state.
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
export function outcomes(state, operation, options) {
  const [from, to] = [operation.sentAt, operation.answeredAt ?? Number.POSITIVE_INFINITY]
  const isUnsure = !options.isTimeSure(state.since, state.until, from, to)
  /** @type {Outcome[]} */
  const found = []
  const lifetime = LIFETIME_MS[state.status] ?? Number.POSITIVE_INFINITY
  if (isUnsure || from <= state.until + lifetime + SLACK_MS) found.push(...step(state, operation, options))
  // Both are derived from time: nothing that happens to it then changes it.
  const derived = []
  if (state.status in LIFETIME_MS && (isUnsure || to >= state.since + lifetime - SLACK_MS)) {
    derived.push({ ...state, status: /** @type {const} */ ('expired'), version: state.version + 1 })
  }
  // When its time is over, and that of its tombstone too.
  if (isUnsure) derived.push(LOST)
  for (const each of derived) {
    found.push(...step(each, operation, options).map(({ answer }) => ({ state, answer })))
  }
  return found
}

/**
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
function step(state, operation, options) {
  switch (operation.kind) {
    case 'show':
      return [{ state, answer: show(state) }]
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
      return [{ state: endSession(state), answer: { status: 204 } }]
    case 'signOutFromPhone':
      return [
        ...(state.session === 'live' ? [] : [{ state, answer: { status: 404, code: 'not_found' } }]),
        { state: endSession(state), answer: { status: 204 } },
      ]
    case 'signOutAll':
      return [{ state: { ...endSession(state), barred: state.scanner !== null }, answer: { status: 204 } }]
    default:
      return []
  }
}

/** @param {State} state @returns {Answer} */
function show({ status, version, passed, triesLeft, matchDue }) {
  if (status === 'lost') return { status: 404, code: 'not_found' }
  if (status !== 'scanned') return { status: 200, view: status, version }
  const left = matchDue && !passed ? { attemptsLeft: triesLeft } : {}
  return { status: 200, view: status, version, required: matchDue, ...left }
}

/**
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
function scan(state, operation, options) {
  const { client, asked, sentAt, answeredAt } = operation
  /** @param {number} status @param {string} code @returns {Outcome} */
  const refuse = (status, code) => ({ state, answer: { status, code } })
  const to = answeredAt ?? Number.POSITIVE_INFINITY
  const isUnsure = !options.isTimeSure(asked.codeReadAt ?? sentAt, sentAt, sentAt, to)
  const mayBeDead = isUnsure || to >= (asked.codeGoneFrom ?? Number.POSITIVE_INFINITY)
  const mayBeAlive = isUnsure || sentAt <= (asked.codeGoneBy ?? Number.POSITIVE_INFINITY)
  const dead = mayBeDead ? [refuse(410, 'code_expired')] : []
  switch (state.status) {
    case 'pending': {
      if (!mayBeAlive) return dead
      const matchDue = asked.matchDue === true
      const next = advance(state, 'scanned', operation, { scanner: client, matchDue })
      const times = { scanSince: next.since, scanUntil: next.until }
      return [...dead, { state: { ...next, ...times }, answer: { status: 200, view: 'scanned', required: matchDue } }]
    }
    case 'scanned':
    case 'confirmed':
      if (state.scanner !== client) return [refuse(409, 'attempt_taken')]
      return [{ state, answer: { status: 200, view: state.status, required: state.matchDue } }]
    case 'redeemed':
      return [refuse(409, 'wrong_state')]
    case 'lost':
      return [refuse(404, 'code_unknown'), ...dead]
    default:
      return [refuse(410, 'attempt_ended'), ...(state.status === 'expired' ? dead : [])]
  }
}

/** @param {State} state @param {Operation} operation @returns {Outcome} */
function match(state, operation) {
  if (state.status !== 'scanned') return { state, answer: refusal(state, 'not_found') }
  if (!state.matchDue) return { state, answer: { status: 409, code: 'match_not_due' } }
  const version = state.version + 1
  if (state.passed) return { state, answer: { status: 200, view: 'scanned', version: state.version } }
  if (operation.asked.right) {
    return { state: { ...state, version, passed: true }, answer: { status: 200, view: 'scanned', version } }
  }
  const triesLeft = state.triesLeft - 1
  if (triesLeft === 0) {
    return { state: advance(state, 'cancelled', operation), answer: { status: 410, code: 'attempt_ended' } }
  }
  const answer = { status: 409, code: 'match_wrong', attemptsLeft: triesLeft }
  return { state: { ...state, version, triesLeft }, answer }
}

/**
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
function confirm(state, operation, options) {
  const { client, sentAt, answeredAt } = operation
  if (!['scanned', 'confirmed', 'redeemed'].includes(state.status)) {
    return [{ state, answer: refusal(state, 'claim_unknown') }]
  }
  if (state.scanner !== client) return [{ state, answer: { status: 404, code: 'claim_unknown' } }]
  if (state.status !== 'scanned') return [{ state, answer: { status: 200, view: state.status } }]
  if (state.matchDue && !state.passed) return [{ state, answer: { status: 409, code: 'match_required' } }]
  const to = answeredAt ?? Number.POSITIVE_INFINITY
  const isUnsure = !options.isTimeSure(state.scanSince, state.scanUntil, sentAt, to)
  /** @type {Outcome[]} */
  const found = []
  if (isUnsure || sentAt <= state.scanUntil + CONFIRM_MIN_MS + SLACK_MS) {
    found.push({ state, answer: { status: 409, code: 'too_soon' } })
  }
  if (isUnsure || to >= state.scanSince + CONFIRM_MIN_MS) {
    found.push({ state: advance(state, 'confirmed', operation), answer: { status: 200, view: 'confirmed' } })
  }
  return found
}

/**
 * By the phone.
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
function cancel(state, operation, options) {
  const isRunning = ['pending', 'scanned', 'confirmed'].includes(state.status)
  if (isRunning) {
    return [{ state: advance(state, 'cancelled', operation), answer: { status: 200, view: 'cancelled' } }]
  }
  if (state.status === 'cancelled') return [{ state, answer: { status: 200, view: 'cancelled' } }]
  if (state.status !== 'redeemed') return [{ state, answer: refusal(state, 'claim_unknown') }]
  if (state.scanner !== operation.client) return [{ state, answer: { status: 404, code: 'claim_unknown' } }]
  const revoked = { state: endSession(state), answer: { status: 200, view: 'revoked' } }
  const to = operation.answeredAt ?? Number.POSITIVE_INFINITY
  if (options.isTimeSure(state.since, state.until, operation.sentAt, to)) return [revoked]
  return [revoked, { state, answer: { status: 409, code: 'wrong_state' } }]
}

/** By the computer. @param {State} state @param {Operation} operation @returns {Outcome} */
function leave(state, operation) {
  const isRunning = ['pending', 'scanned', 'confirmed'].includes(state.status)
  if (isRunning) return { state: advance(state, 'cancelled', operation), answer: { status: 204 } }
  return { state, answer: state.status === 'cancelled' ? { status: 204 } : refusal(state, 'not_found') }
}

/**
 * With the right ticket.
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
function redeem(state, operation, options) {
  const { sentAt, answeredAt } = operation
  if (state.status !== 'confirmed' && state.status !== 'redeemed') {
    return [{ state, answer: refusal(state, 'not_found') }]
  }
  const tooOften = { state, answer: { status: 429, code: 'rate_limited' } }
  const tried = { ...state, version: state.version + 1, redeems: state.redeems + 1 }
  if (state.status === 'confirmed') {
    if (state.barred) return [{ state, answer: { status: 410, code: 'attempt_ended' } }]
    if (state.redeems >= REDEEM_TRIES) return [tooOften]
    const redeemed = advance(tried, 'redeemed', operation)
    return [{ state: { ...redeemed, version: tried.version, session: 'live' }, answer: { status: 200 } }]
  }
  const to = answeredAt ?? Number.POSITIVE_INFINITY
  const isUnsure = !options.isTimeSure(state.since, state.until, sentAt, to)
  /** @type {Outcome[]} */
  const found = []
  if (isUnsure || to >= state.since + REDEEM_REPEAT_MS - SLACK_MS) {
    found.push({ state, answer: { status: 409, code: 'wrong_state' } })
  }
  if (isUnsure || sentAt <= state.until + REDEEM_REPEAT_MS + SLACK_MS) {
    if (state.redeems >= REDEEM_TRIES) found.push(tooOften)
    else if (state.session === 'live') found.push({ state: tried, answer: { status: 200 } })
    else found.push({ state: tried, answer: { status: 409, code: 'wrong_state' } })
  }
  return found
}

/**
 * @param {State} state
 * @param {Operation} operation
 * @param {Options} options
 * @returns {Outcome[]}
 */
function readSession(state, operation, options) {
  const to = operation.answeredAt ?? Number.POSITIVE_INFINITY
  const found = [{ state, answer: { status: 200, signedIn: state.session === 'live' } }]
  // A clock that is a day ahead has the session ended by time; when it is back the session is there
  // again.
  const isSure = options.isTimeSure(state.since, state.until, operation.sentAt, to)
  if (state.session === 'live' && !isSure) {
    found.push({ state, answer: { status: 200, signedIn: false } })
  }
  return found
}

/**
 * What a step that does not fit is answered.
 * @param {State} state
 * @param {string} unknown
 * @returns {Answer}
 */
function refusal({ status }, unknown) {
  if (status === 'lost') return { status: 404, code: unknown }
  if (status === 'cancelled' || status === 'expired') return { status: 410, code: 'attempt_ended' }
  return { status: 409, code: 'wrong_state' }
}

/**
 * @param {State} state
 * @param {State['status']} status
 * @param {Operation} operation
 * @param {Partial<State>} [more]
 * @returns {State}
 */
function advance(state, status, { sentAt, answeredAt }, more = {}) {
  const until = answeredAt ?? Number.POSITIVE_INFINITY
  // It began after what came before it.
  return { ...state, ...more, status, version: state.version + 1, since: Math.max(sentAt, state.since), until }
}

/** @param {State} state @returns {State} */
function endSession(state) {
  return state.session === 'live' ? { ...state, session: 'ended' } : state
}
