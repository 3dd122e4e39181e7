// Whether the responses about one attempt can be explained: by some order of its operations, each
// of which takes effect between its sending and its response, as the model defines (Herlihy and
// Wing, linearizability).
import { type Fault, isGranted, isUnknown, type Kind, type Operation } from './history'
import { type Expected, LOST, type Options, outcomes, type State, started } from './model'

/** An operation, or the loss of what was not replicated. */
interface Move {
  sentAt: number
  /** Until when it took effect, if it did. */
  until: number
  /** Null for a loss. */
  operation: Operation | null
  /** Whether its effect is unknown. */
  isUnknown: boolean
}

/** A state and those before it that a loss can restore. */
interface Place {
  state: State
  past: State[]
}

/** Above it the search gives up, and reports nothing. */
const MOST_PLACES = 50_000

const READS: ReadonlySet<Kind> = new Set(['show', 'session', 'list'])
/** A refusal of these counts as a try. */
const TRIES: ReadonlySet<Kind> = new Set(['match', 'redeem'])
const ENDINGS: ReadonlySet<Kind> = new Set(['cancel', 'leave', 'signOut', 'signOutFromPhone', 'signOutAll'])

/**
 * `operations` of one attempt, including its start; `losses`: the faults in which what was not
 * replicated could be lost.
 */
export function explain(
  operations: Operation[],
  losses: Fault[],
  options: Options,
): 'explained' | 'unexplained' | 'undecided' {
  const start = operations.find((operation) => operation.kind === 'start')
  if (start === undefined) return 'undecided'
  const moves = toMoves(operations, losses)
  const seen = new Set<string>()
  let places = 0

  /** `done`: by the index of the move. Returns null if the search gave up. */
  function visit(place: Place, done: boolean[]): boolean | null {
    for (;;) {
      const horizon = horizonOf(moves, done)
      if (horizon === null) return true
      const free = [...moves.entries()].filter(([index, move]) => !done[index] && move.sentAt <= horizon)
      // Taking one of these never excludes another order.
      const settled = free.find(([, move]) => isSettled(move, place.state, options))
      if (settled === undefined) return branch(place, done, free)
      done[settled[0]] = true
    }
  }

  function branch(place: Place, done: boolean[], free: [index: number, move: Move][]): boolean | null {
    const key = `${done.map(Number).join('')} ${JSON.stringify(place)}`
    if (seen.has(key)) return false
    seen.add(key)
    places += 1
    if (places > MOST_PLACES) return null
    const tried = new Set<string>()
    for (const [index, move] of free) {
      // Of equal requests without a response, only the one that was sent first is tried.
      const alike = move.isUnknown
        ? JSON.stringify([move.operation?.kind, move.operation?.client, move.operation?.known])
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

function toMoves(operations: Operation[], losses: Fault[]): Move[] {
  const moves: Move[] = []
  for (const operation of operations) {
    // One that reached no process had no effect; a read without a response shows nothing.
    if (['start', 'notice'].includes(operation.kind) || operation.failure === 'refused') continue
    const unknown = isUnknown(operation)
    if (unknown && READS.has(operation.kind)) continue
    const until = unknown ? Number.POSITIVE_INFINITY : (operation.answeredAt ?? Number.POSITIVE_INFINITY)
    moves.push({
      sentAt: operation.sentAt,
      until,
      // The time of a 503 does not limit when the step can still take effect.
      operation: unknown ? { ...operation, answeredAt: null } : operation,
      isUnknown: unknown,
    })
  }
  for (const { from, to } of losses) moves.push({ sentAt: from, until: to, operation: null, isUnknown: false })
  return moves.sort((a, b) => a.sentAt - b.sentAt)
}

/** Until when the next move has to be taken; null if none has to be taken any more. */
function horizonOf(moves: Move[], done: boolean[]): number | null {
  let horizon: number | null = null
  for (const [index, { until, isUnknown: mayBeLeft }] of moves.entries()) {
    if (!done[index] && !mayBeLeft) horizon = Math.min(horizon ?? Number.POSITIVE_INFINITY, until)
  }
  return horizon
}

/**
 * Whether it can be taken at once: it is possible here, and changes nothing in any state. Reads and
 * refusals are such; a step that is granted without a change is not, because later it might have
 * made one.
 */
function isSettled({ operation, isUnknown: unknown }: Move, state: State, options: Options): boolean {
  if (operation === null || unknown) return false
  const isRead = READS.has(operation.kind)
  if (!isRead && (isGranted(operation) || TRIES.has(operation.kind))) return false
  return outcomes(state, operation, options).some((each) => isSame(each.response, operation))
}

function placesAfter({ operation, isUnknown: unknown }: Move, { state, past }: Place, options: Options): Place[] {
  if (operation === null) {
    // The new primary continues from an earlier state.
    const back = past.map((each, index) => ({ state: each, past: past.slice(0, index + 1) }))
    return [{ state, past }, ...back.reverse().filter((each) => each.state !== state)]
  }
  const places: Place[] = []
  for (const { state: next, response } of outcomes(state, operation, options)) {
    // Without a response only a change counts.
    if (unknown ? next === state : !isSame(response, operation)) continue
    // An ending that was granted has been replicated, with everything before it.
    const isEnding = !unknown && ENDINGS.has(operation.kind) && isGranted(operation)
    places.push({ state: next, past: past.length === 0 ? past : isEnding ? [next] : [...past, next] })
  }
  return places
}

function isSame(expected: Expected, { status, code, facts }: Operation): boolean {
  if (status !== expected.status) return false
  if (expected.code !== undefined && code !== expected.code) return false
  if (expected.view !== undefined && facts.status !== expected.view) return false
  if (expected.version !== undefined && facts.version !== expected.version) return false
  if (expected.required !== undefined && facts.required !== expected.required) return false
  if (expected.attemptsLeft !== undefined && facts.attemptsLeft !== expected.attemptsLeft) return false
  const signedIn = facts.signedIn ?? (facts.sessions === undefined ? undefined : facts.sessions.length > 0)
  return expected.signedIn === undefined || signedIn === expected.signedIn
}
