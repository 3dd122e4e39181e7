// Injects faults into the built app under steady traffic, then compares every response with the
// state table of PROTOCOL.md.
//   npm run build && npm run faults
//   npm run faults -- --minutes 10 --only kill,failover --seed 7
//   npm run faults -- --short       each scenario for a few seconds
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { check, countLost } from './faults/checker'
import { availability, describe, recoveries, totals } from './faults/report'
import { clock, clockOfOne } from './faults/scenarios/clock'
import { disk } from './faults/scenarios/disk'
import { failover } from './faults/scenarios/failover'
import { kill } from './faults/scenarios/kill'
import { lossy } from './faults/scenarios/lossy'
import { CannotRun, Stage } from './faults/stage'

interface Scenario {
  title: string
  run: (stage: Stage) => Promise<void>
}

const SCENARIOS: Record<string, Scenario> = {
  kill: { title: 'kill -9 of the one process, embedded store', run: kill },
  failover: { title: 'two instances, a Redis with a replica', run: failover },
  lossy: { title: 'two instances, a lossy network to the Redis', run: lossy },
  clock: { title: 'clock steps, embedded store', run: clock },
  'clock-of-one': { title: 'clock steps of one of two instances, Redis', run: clockOfOne },
  disk: { title: 'full disk, embedded store', run: disk },
}

/** The duration of all scenarios at scale 1. */
const LONG_MINUTES = 10
/** How many attempts are printed per violation. */
const MOST_PRINTED = 3
/** Exit codes: there was a violation; a scenario could not be run. */
const [VIOLATED, NOT_RUN] = [1, 2]

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: String(LONG_MINUTES) },
    only: { type: 'string', default: Object.keys(SCENARIOS).join(',') },
    seed: { type: 'string', default: '1' },
    short: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const scale = values.short ? 0 : Number(values.minutes) / LONG_MINUTES
const seed = Number(values.seed)
const names = values.only.split(',')
const unknown = names.filter((name) => !(name in SCENARIOS))
if (unknown.length > 0 || !Number.isFinite(scale) || !Number.isInteger(seed)) {
  console.error(`There are: ${Object.keys(SCENARIOS).join(', ')}; --minutes and --seed are numbers.`)
  process.exit(NOT_RUN)
}

// Each server that a scenario starts cleans up when the process ends.
process.setMaxListeners(0)
let stage: Stage | null = null
process.once('exit', () => stage?.end())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const results: Result[] = []
for (const name of names) results.push(await run(name, requireScenario(name)))
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 2))
const violated = results.filter(({ violations }) => Object.keys(violations).length > 0)
const notRun = results.filter(({ reason }) => reason !== null)
console.log(
  `\n${results.length - violated.length - notRun.length} held, ${violated.length} violated, ${notRun.length} not run`,
)
process.exit(violated.length > 0 ? VIOLATED : notRun.length > 0 ? NOT_RUN : 0)

interface Result {
  name: string
  /** Why it was not run; null if it was. */
  reason: string | null
  /** How many of each rule. */
  violations: Record<string, number>
  figures: Record<string, string | number>
  recoveries: ReturnType<typeof recoveries>
  seconds: string
}

function requireScenario(name: string): Scenario {
  const scenario = SCENARIOS[name]
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  return scenario
}

async function run(name: string, { title, run: play }: Scenario): Promise<Result> {
  console.log(`\n== ${name}: ${title}`)
  stage = new Stage(seed, scale)
  let reason: string | null = null
  try {
    await play(stage)
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error
    reason = error.message
  } finally {
    stage.end()
  }
  return report(name, stage, reason)
}

/** Prints the result. `reason`: why it was not run. */
function report(name: string, { history, control, figures, startedAt }: Stage, reason: string | null): Result {
  if (reason !== null) {
    console.log(`not run: ${reason}`)
    return { name, reason, violations: {}, figures: {}, recoveries: [], seconds: '' }
  }
  const { violations, undecided } = check(history, (from, to) => control.slownessMs(from, to))
  const doubled = violations.filter(({ rule }) => rule === 'second session').length
  const all = { ...totals(history), lost: countLost(history), doubled, undecided, ...figures }
  const seconds = availability(history, startedAt)
  const back = recoveries(history)
  for (const [key, value] of Object.entries(all)) console.log(`  ${key.padEnd(20)} ${value}`)
  console.log(`  ${'by second'.padEnd(20)} ${seconds}`)
  for (const { name: fault, backAfterMs, failingForMs } of back) {
    const first = backAfterMs === null ? 'no success' : `first success after ${Math.round(backAfterMs)} ms`
    console.log(`  ${fault.padEnd(28)} ${first}, last failure after ${Math.round(failingForMs)} ms`)
  }
  const counts: Record<string, number> = {}
  for (const violation of violations) {
    counts[violation.rule] = (counts[violation.rule] ?? 0) + 1
    if ((counts[violation.rule] ?? 0) <= MOST_PRINTED) console.log(`\nVIOLATION: ${describe(violation, startedAt)}`)
  }
  for (const [rule, count] of Object.entries(counts)) console.log(`  ${count} × ${rule}`)
  if (violations.length === 0) console.log('  no violation')
  return { name, reason, violations: counts, figures: all, recoveries: back, seconds }
}
