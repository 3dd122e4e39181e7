// Compares what the clients saw with what may be: history in, violations out. Pure.
import { isTimeSure, RULES_OF_ANSWERS, RULES_OF_ATTEMPTS } from './rules.mjs'
import { explain } from './search.mjs'

/**
 * @typedef {import('./history.mjs').History} History
 * @typedef {import('./history.mjs').Operation} Operation
 * @typedef {{ rule: string, attempt: string | null, by: Operation[], operations: Operation[] }}
 * Violation
 * @typedef {{ violations: Violation[], attempts: number, undecided: number }} Verdict
 */

/** What is left over where no rule has a name for it. */
const UNEXPLAINED = 'no order of the operations explains the answers'

/**
 * `slownessMs`: how late the machine itself was at most between two moments; an answer may be late
 * by as much.
 * @param {History} history
 * @param {(from: number, to: number) => number} [slownessMs]
 * @returns {Verdict}
 */
export function check(history, slownessMs = () => 0) {
  const { operations, faults, isClockShared } = history
  const circumstances = { faults, isClockShared, slownessMs }
  /** @type {Violation[]} */
  const violations = []
  for (const [rule, find] of Object.entries(RULES_OF_ANSWERS)) {
    for (const operation of find(operations, circumstances)) {
      violations.push({ rule, attempt: operation.attempt, by: [operation], operations: [] })
    }
  }
  const options = {
    /** @type {import('./model.mjs').Options['isTimeSure']} */
    isTimeSure: (since, until, from, to) => isTimeSure(circumstances, [since, until], [from, to]),
  }
  let undecided = 0
  const attempts = history.byAttempt()
  for (const [attempt, own] of attempts) {
    const named = Object.entries(RULES_OF_ATTEMPTS).flatMap(([rule, find]) => {
      const by = find(own, circumstances)
      return by.length === 0 ? [] : [{ rule, attempt, by, operations: own }]
    })
    violations.push(...named)
    // What has a name fits no order either.
    if (named.length > 0) continue
    const start = own[0]?.sentAt ?? 0
    const losses = faults.filter(({ losesTail, to }) => losesTail === true && to >= start)
    const result = explain(own, losses, options)
    if (result === 'undecided') undecided += 1
    if (result === 'unexplained') violations.push({ rule: UNEXPLAINED, attempt, by: [], operations: own })
  }
  return { violations, attempts: attempts.size, undecided }
}

/**
 * Sign-ins that were answered and whose session is not there any more, without a sign-out.
 * @param {History} history
 */
export function countLost(history) {
  let lost = 0
  for (const operations of history.byAttempt().values()) {
    const rule = RULES_OF_ATTEMPTS['sign-in lost']
    if (rule !== undefined && rule(operations, { faults: [], isClockShared: false, slownessMs: () => 0 }).length > 0)
      lost += 1
  }
  return lost
}
