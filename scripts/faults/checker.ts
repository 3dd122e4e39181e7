// Compares the responses that the clients received with those that the state table allows: history
// in, violations out. Pure.
import type { History, Operation } from './history'
import { isTimeSure, RULES_OF_ATTEMPTS, RULES_OF_RESPONSES, type Span } from './rules'
import { explain } from './search'

export interface Violation {
  rule: string
  attempt: string | null
  /** The operations that violate the rule. */
  by: Operation[]
  /** All of the attempt; empty for a rule about single responses. */
  operations: Operation[]
}

interface Verdict {
  violations: Violation[]
  attempts: number
  undecided: number
}

/** The name of the violations that no rule names. */
const UNEXPLAINED = 'no order of the operations explains the responses'

/**
 * `slownessMs`: by how much the machine itself can have delayed responses between two moments; a
 * response may be late by as much.
 */
export function check(history: History, slownessMs: (from: number, to: number) => number = () => 0): Verdict {
  const { operations, faults, isClockShared } = history
  const circumstances = { faults, isClockShared, slownessMs }
  const violations: Violation[] = []
  for (const [rule, find] of Object.entries(RULES_OF_RESPONSES)) {
    for (const operation of find(operations, circumstances)) {
      violations.push({ rule, attempt: operation.attempt, by: [operation], operations: [] })
    }
  }
  const options = { isTimeSure: (began: Span, seen: Span) => isTimeSure(circumstances, began, seen) }
  let undecided = 0
  const attempts = history.byAttempt()
  for (const [attempt, own] of attempts) {
    const named = Object.entries(RULES_OF_ATTEMPTS).flatMap(([rule, find]) => {
      const by = find(own, circumstances)
      return by.length === 0 ? [] : [{ rule, attempt, by, operations: own }]
    })
    violations.push(...named)
    // An attempt with a named violation cannot be explained by an order either.
    if (named.length > 0) continue
    const start = own[0]?.sentAt ?? 0
    const losses = faults.filter(({ losesTail, to }) => losesTail === true && to >= start)
    const result = explain(own, losses, options)
    if (result === 'undecided') undecided += 1
    if (result === 'unexplained') violations.push({ rule: UNEXPLAINED, attempt, by: [], operations: own })
  }
  return { violations, attempts: attempts.size, undecided }
}

/** Sign-ins that were confirmed by a response and whose session is gone without a sign-out. */
export function countLost(history: History): number {
  const noFaults = { faults: [], isClockShared: false, slownessMs: () => 0 }
  const isLost = (operations: Operation[]) => RULES_OF_ATTEMPTS['sign-in lost'](operations, noFaults).length > 0
  return [...history.byAttempt().values()].filter(isLost).length
}
