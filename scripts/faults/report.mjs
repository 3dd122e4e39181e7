// Figures of a campaign, from its history.
import { isGranted } from './history.mjs'

/**
 * @typedef {import('./history.mjs').History} History
 * @typedef {import('./history.mjs').Operation} Operation
 * @typedef {import('./checker.mjs').Violation} Violation
 * @typedef {{ name: string, backAfterMs: number | null, failingForMs: number }} Recovery
 */

const SECOND_MS = 1_000
/** Operations that are printed of one attempt. */
const MOST_LINES = 60

const isFailed = (/** @type {Operation} */ { status }) => status === null || status >= 500
const isHeard = (/** @type {Operation} */ { kind }) => kind === 'notice' || kind === 'silence'

/**
 * One character for each second: `.` all was answered, `+` some, `#` nothing, a space: nothing was
 * asked.
 * @param {History} history
 * @param {number} startedAt
 */
export function availability({ operations }, startedAt) {
  /** @type {{ sent: number, failed: number }[]} */
  const seconds = []
  for (const operation of operations) {
    const second = Math.floor((operation.sentAt - startedAt) / SECOND_MS)
    while (seconds.length <= second) seconds.push({ sent: 0, failed: 0 })
    const counted = seconds[second]
    if (counted === undefined || isHeard(operation)) continue
    counted.sent += 1
    if (isFailed(operation)) counted.failed += 1
  }
  return seconds
    .map(({ sent, failed }) => (sent === 0 ? ' ' : failed === 0 ? '.' : failed === sent ? '#' : '+'))
    .join('')
}

/**
 * For each fault: how long after its end the first request was answered, and until when requests
 * failed.
 * @param {History} history
 * @returns {Recovery[]}
 */
export function recoveries({ operations, faults }) {
  return faults.map(({ name, to }, index) => {
    const next = faults[index + 1]?.from ?? Number.POSITIVE_INFINITY
    const after = operations.filter((each) => each.sentAt >= to && each.sentAt < next && !isHeard(each))
    const answers = after.filter((each) => !isFailed(each)).map(({ answeredAt }) => (answeredAt ?? 0) - to)
    // What the next fault cut off is not counted here.
    const over = after.filter((each) => (each.answeredAt ?? each.failedAt ?? next) < next)
    const failures = over.filter(isFailed).map(({ sentAt }) => sentAt - to)
    return {
      name,
      backAfterMs: answers.length === 0 ? null : Math.min(...answers),
      failingForMs: failures.length === 0 ? 0 : Math.max(...failures),
    }
  })
}

/** @param {History} history */
export function totals({ operations }) {
  const asked = operations.filter((each) => !isHeard(each))
  const redeemed = asked.filter((each) => each.kind === 'redeem' && isGranted(each))
  const worst = Math.max(0, ...asked.map(({ sentAt, answeredAt }) => (answeredAt ?? sentAt) - sentAt))
  return {
    operations: asked.length,
    attempts: asked.filter((each) => each.kind === 'start' && isGranted(each)).length,
    'signed in': new Set(redeemed.map(({ attempt }) => attempt)).size,
    unavailable: asked.filter(({ status }) => status === 503).length,
    'internal errors': asked.filter(({ status }) => status !== null && status >= 500 && status !== 503).length,
    'no answer': asked.filter(({ status }) => status === null).length,
    'worst answer': `${Math.round(worst)} ms`,
  }
}

/**
 * What happened to the attempt, line by line.
 * @param {Violation} violation
 * @param {number} startedAt
 */
export function describe({ rule, attempt, by, operations }, startedAt) {
  const at = (/** @type {number | null} */ time) => (time === null ? '–' : ((time - startedAt) / SECOND_MS).toFixed(3))
  const lines = (operations.length === 0 ? by : operations).slice(0, MOST_LINES).map((each) => {
    const { seq, client, kind, instance, sentAt, answeredAt, status, code, facts, failure } = each
    const answer = status === null ? (failure ?? 'nothing') : `${status}${code === null ? '' : ` ${code}`}`
    const mark = by.some((one) => one.seq === seq) ? '>' : ' '
    const span = `${at(sentAt).padStart(8)} ${at(answeredAt).padStart(8)}`
    return `  ${mark}${span}  ${client.padEnd(14)} ${kind.padEnd(16)} @${instance}  ${answer}  ${JSON.stringify(facts)}`
  })
  return [`${rule}${attempt === null ? '' : ` (attempt ${attempt})`}`, ...lines].join('\n')
}
