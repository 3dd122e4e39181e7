// Whether the answers about one attempt can be explained: by some order of its operations, each of
// which takes effect between its sending and its answer, as the model has it (Herlihy and Wing,
// linearizability).
import { isGranted, isUnknown } from './history.mjs'
import { LOST, outcomes, started } from './model.mjs'

/**
 * @typedef {import('./history.mjs').Operation} Operation
 * @typedef {import('./history.mjs').Fault} Fault
 * @typedef {import('./model.mjs').State} State
 * @typedef {import('./model.mjs').Answer} Answer
 * @typedef {import('./model.mjs').Options} Options
 * @typedef {{ sentAt: number, until: number, operation: Operation | null, isUnknown: boolean }}
 * Move
 * @typedef {{ state: State, past: State[] }} Place
 */

/** Beyond it the search gives up, and accuses nothing. */
const MOST_PLACES = 50_000

const READS = new Set(['show', 'session', 'list'])
/** A refusal of these counts as a try. */
const TRIES = new Set(['match', 'redeem'])
const ENDINGS = new Set(['cancel', 'leave', 'signOut', 'signOutFromPhone', 'signOutAll'])

/**
 * @param {Operation[]} operations of one attempt, its start among them
 * @param {Fault[]} losses the faults in which what was not replicated could be lost
 * @param {Options} options
 * @returns {'explained' | 'unexplained' | 'undecided'}
 */
export function explain(operations, losses, options) {
  const start = operations.find((operation) => operation.kind === 'start')
  if (start === undefined) return 'undecided'
  const moves = toMoves(operations, losses)
  const seen = new Set()
  let places = 0

  /**
   * @param {Place} place
   * @param {boolean[]} done by the index of the move
   * @returns {boolean | null} null: given up
   */
  function visit(place, done) {
    for (;;) {
      const horizon = horizonOf(moves, done)
      if (horizon === null) return true
      const free = moves.flatMap((move, index) => (!done[index] && move.sentAt <= horizon ? [index] : []))
      // That never closes another way.
      const read = free.find((index) => isSettled(/** @type {Move} */ (moves[index]), place.state, options))
      if (read === undefined) return branch(place, done, free)
      done[read] = true
    }
  }

  /**
   * @param {Place} place
   * @param {boolean[]} done
   * @param {number[]} free
   * @returns {boolean | null}
   */
  function branch(place, done, free) {
    const key = `${done.map(Number).join('')} ${JSON.stringify(place)}`
    if (seen.has(key)) return false
    seen.add(key)
    places += 1
    if (places > MOST_PLACES) return null
    const tried = new Set()
    for (const index of free) {
      const move = /** @type {Move} */ (moves[index])
      // Of requests that are alike and were not answered, the one that was sent first stands for
      // all.
      const alike = move.isUnknown
        ? JSON.stringify([move.operation?.kind, move.operation?.client, move.operation?.asked])
        : null
      if (alike !== null && tried.has(alike)) continue
      if (alike !== null) tried.add(alike)
      for (const next of placesAfter(move, place, options)) {
        const result = visit(next, done.with(index, true))
        if (result !== false) return result
      }
    }
    return false
  }

  const state = started(start)
  const result = visit(
    { state, past: losses.length > 0 ? [LOST, state] : [] },
    moves.map(() => false),
  )
  if (result === null) return 'undecided'
  return result ? 'explained' : 'unexplained'
}

/** @param {Operation[]} operations @param {Fault[]} losses @returns {Move[]} */
function toMoves(operations, losses) {
  /** @type {Move[]} */
  const moves = []
  for (const operation of operations) {
    // One that reached no process has done nothing; a read without an answer says nothing.
    if (['start', 'notice'].includes(operation.kind) || operation.failure === 'refused') continue
    const unknown = isUnknown(operation)
    if (unknown && READS.has(operation.kind)) continue
    const until = unknown ? Number.POSITIVE_INFINITY : (operation.answeredAt ?? Number.POSITIVE_INFINITY)
    moves.push({
      sentAt: operation.sentAt,
      until,
      operation: unknown ? unanswered(operation) : operation,
      isUnknown: unknown,
    })
  }
  for (const { from, to } of losses) moves.push({ sentAt: from, until: to, operation: null, isUnknown: false })
  return moves.sort((a, b) => a.sentAt - b.sentAt)
}

/**
 * A 503 says when it was given, and not until when the step can still be taken.
 * @param {Operation} operation
 */
function unanswered(operation) {
  return { ...operation, answeredAt: null }
}

/**
 * Until when the next move has to be taken; null when none has to be any more.
 * @param {Move[]} moves
 * @param {boolean[]} done
 */
function horizonOf(moves, done) {
  let horizon = null
  for (const [index, { until, isUnknown: mayBeLeft }] of moves.entries()) {
    if (!done[index] && !mayBeLeft) horizon = Math.min(horizon ?? Number.POSITIVE_INFINITY, until)
  }
  return horizon
}

/**
 * Whether it can be taken at once: it fits here, and would change nothing wherever it were taken.
 * Reads and refusals are such; a step that is granted without a change is not, for later it might
 * have made one.
 * @param {Move} move @param {State} state @param {Options} options
 */
function isSettled({ operation, isUnknown: unknown }, state, options) {
  if (operation === null || unknown) return false
  const isRead = READS.has(operation.kind)
  if (!isRead && (isGranted(operation) || TRIES.has(operation.kind))) return false
  return outcomes(state, operation, options).some((each) => isSame(each.answer, operation))
}

/** @param {Move} move @param {Place} place @param {Options} options @returns {Place[]} */
function placesAfter({ operation, isUnknown: unknown }, { state, past }, options) {
  if (operation === null) {
    // The new primary goes on from some earlier state.
    const back = past.map((each, index) => ({ state: each, past: past.slice(0, index + 1) }))
    return [{ state, past }, ...back.reverse().filter((each) => each.state !== state)]
  }
  /** @type {Place[]} */
  const places = []
  for (const { state: next, answer } of outcomes(state, operation, options)) {
    // Without an answer only a change counts.
    if (unknown ? next === state : !isSame(answer, operation)) continue
    // An ending that was granted has been replicated, and with it all that was before.
    const isEnding = !unknown && ENDINGS.has(operation.kind) && isGranted(operation)
    places.push({ state: next, past: past.length === 0 ? past : isEnding ? [next] : [...past, next] })
  }
  return places
}

/** @param {Answer} expected @param {Operation} operation */
function isSame(expected, { status, code, facts }) {
  if (status !== expected.status) return false
  if (expected.code !== undefined && code !== expected.code) return false
  if (expected.view !== undefined && facts.status !== expected.view) return false
  if (expected.version !== undefined && facts.version !== expected.version) return false
  if (expected.required !== undefined && facts.required !== expected.required) return false
  if (expected.attemptsLeft !== undefined && facts.attemptsLeft !== expected.attemptsLeft) return false
  const signedIn = facts.signedIn ?? (facts.sessions === undefined ? undefined : facts.sessions.length > 0)
  return expected.signedIn === undefined || signedIn === expected.signedIn
}
