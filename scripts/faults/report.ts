// Figures of a campaign, from its history.
import type { Violation } from './checker'
import { type History, isGranted, type Operation } from './history'

interface Recovery {
  name: string
  backAfterMs: number | null
  failingForMs: number
}

const SECOND_MS = 1_000
/** The most operations that are printed of one attempt. */
const MOST_LINES = 60

const isFailed = ({ status }: Operation) => status === null || status >= 500
const isRequest = ({ kind }: Operation) => kind !== 'notice' && kind !== 'silence'

/**
 * One character for each second: `.` all requests succeeded, `+` some did, `#` none did; a space:
 * there was no request.
 */
export function availability({ operations }: History, startedAt: number): string {
  const seconds: { sent: number; failed: number }[] = []
  for (const operation of operations) {
    const second = Math.floor((operation.sentAt - startedAt) / SECOND_MS)
    while (seconds.length <= second) seconds.push({ sent: 0, failed: 0 })
    const counted = seconds[second]
    if (counted === undefined || !isRequest(operation)) continue
    counted.sent += 1
    if (isFailed(operation)) counted.failed += 1
  }
  return seconds
    .map(({ sent, failed }) => (sent === 0 ? ' ' : failed === 0 ? '.' : failed === sent ? '#' : '+'))
    .join('')
}

/**
 * For each fault: how long after its end the first request succeeded, and until when requests
 * failed.
 */
export function recoveries({ operations, faults }: History): Recovery[] {
  return faults.map(({ name, to }, index) => {
    const next = faults[index + 1]?.from ?? Number.POSITIVE_INFINITY
    const after = operations.filter((each) => each.sentAt >= to && each.sentAt < next && isRequest(each))
    const delays = after.filter((each) => !isFailed(each)).map(({ answeredAt }) => (answeredAt ?? 0) - to)
    // Requests that the next fault interrupted are not counted here.
    const over = after.filter((each) => (each.answeredAt ?? each.failedAt ?? next) < next)
    const failures = over.filter(isFailed).map(({ sentAt }) => sentAt - to)
    return {
      name,
      backAfterMs: delays.length === 0 ? null : Math.min(...delays),
      failingForMs: failures.length === 0 ? 0 : Math.max(...failures),
    }
  })
}

export function totals({ operations }: History): Record<string, string | number> {
  const requests = operations.filter(isRequest)
  const redeemed = requests.filter((each) => each.kind === 'redeem' && isGranted(each))
  const slowest = Math.max(0, ...requests.map(({ sentAt, answeredAt }) => (answeredAt ?? sentAt) - sentAt))
  return {
    requests: requests.length,
    attempts: requests.filter((each) => each.kind === 'start' && isGranted(each)).length,
    'signed in': new Set(redeemed.map(({ attempt }) => attempt)).size,
    unavailable: requests.filter(({ status }) => status === 503).length,
    'internal errors': requests.filter(({ status }) => status !== null && status >= 500 && status !== 503).length,
    'no response': requests.filter(({ status }) => status === null).length,
    'slowest response': `${Math.round(slowest)} ms`,
  }
}

/** The operations of the attempt, line by line; those that violate the rule are marked. */
export function describe({ rule, attempt, by, operations }: Violation, startedAt: number): string {
  const at = (time: number | null) => (time === null ? '–' : ((time - startedAt) / SECOND_MS).toFixed(3))
  const lines = (operations.length === 0 ? by : operations).slice(0, MOST_LINES).map((each) => {
    const { seq, client, kind, instance, sentAt, answeredAt, status, code, facts, failure } = each
    const response = status === null ? (failure ?? 'nothing') : `${status}${code === null ? '' : ` ${code}`}`
    const mark = by.some((one) => one.seq === seq) ? '>' : ' '
    const span = `${at(sentAt).padStart(8)} ${at(answeredAt).padStart(8)}`
    return `  ${mark}${span}  ${client.padEnd(14)} ${kind.padEnd(16)} @${instance}  ${response}  ${JSON.stringify(facts)}`
  })
  return [`${rule}${attempt === null ? '' : ` (attempt ${attempt})`}`, ...lines].join('\n')
}
