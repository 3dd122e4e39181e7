// Black-box checks of a sign-in by QR code, against any deployment that implements PROTOCOL.md:
//   npm run audit -- https://login.example.com
//     [--config people.json] [--only binding,races] [--json]
// Exits with 0 if every check held, 1 if a check found a flaw or was inconclusive, 2 if the
// deployment cannot be audited. Plain JavaScript without dependencies: it is run against
// deployments of others.
import { readFileSync } from 'node:fs'
import { answers } from './audit/answers.mjs'
import { binding } from './audit/binding.mjs'
import { FLAWS, MITIGATIONS } from './audit/catalogue.mjs'
import { Flaw, Limited, Skip } from './audit/check.mjs'
import { codes } from './audit/codes.mjs'
import { leaks } from './audit/leaks.mjs'
import { limits } from './audit/limits.mjs'
import { pages } from './audit/pages.mjs'
import { races } from './audit/races.mjs'
import { requests } from './audit/requests.mjs'
import { Scene } from './audit/scene.mjs'
import { tokens } from './audit/tokens.mjs'
import { Wire } from './audit/wire.mjs'

/**
 * @typedef {import('./audit/check.mjs').Check} Check
 * @typedef {{ check: Check, outcome: 'held' | 'flaw' | 'skipped' | 'unclear', detail: string, ms:
 * number }} Result
 */

const CHECKS = [...codes, ...binding, ...tokens, ...leaks, ...races, ...requests, ...answers, ...pages, ...limits]

/** Waits for minutes and shares nothing with the other checks: runs in parallel to them. */
const BESIDE = 'codes.photographed'

/** These use up limits that the other checks need: they run last, one by one. */
const isLast = (/** @type {Check} */ { id }) => id.startsWith('limits.')

/** How many checks run concurrently, each with its own person. */
const MAX_LANES = 4

/** How often a check is run if a rate limit interrupts it. */
const ROUNDS = 3

/** The people of the demo. */
const DEMO = ['ada', 'lin', 'sam', 'yuki'].map((username) => ({ username, password: 'demo' }))

const args = process.argv.slice(2)
const base = args.find(
  (each, index) => !each.startsWith('--') && !['--config', '--only'].includes(args[index - 1] ?? ''),
)
const asJson = args.includes('--json')
if (base === undefined || !URL.canParse(base))
  fail('usage: npm run audit -- <base-url> [--config people.json] [--only binding,races] [--json]')

const wire = new Wire(base)
wire.onWait = (seconds, what) => {
  if (!asJson) process.stderr.write(`  … a rate limit: ${what} waits for ${seconds} s\n`)
}
const scene = new Scene(wire, await findOrigin(), readPeople())
const only = optionOf('--only')?.split(',') ?? null
const chosen = CHECKS.filter(({ id }) => only === null || only.some((each) => id === each || id.startsWith(`${each}.`)))
if (chosen.length === 0) fail(`no check is called ${only}`)

if (!asJson) console.log(`Auditing ${base} (public origin ${scene.origin})\n`)
/** @type {Result[]} */
const results = []
const beside = chosen.filter(({ id }) => id === BESIDE).map((check) => run(check, scene))
for (const result of inLanes(chosen.filter((check) => check.id !== BESIDE && !isLast(check))))
  results.push(report(await result))
for (const check of chosen.filter(isLast)) results.push(report(await run(check, takeRested(everyone()))))
for (const result of beside) results.push(report(await result))

if (asJson) {
  const plain = results.map(({ check: { id, title, flaws = [], mitigations = [] }, outcome, detail, ms }) => {
    return { id, title, flaws, mitigations, outcome, detail, ms }
  })
  console.log(JSON.stringify({ base, origin: scene.origin, checks: plain }, null, 2))
} else summarise()
process.exit(results.some(({ outcome }) => outcome === 'flaw' || outcome === 'unclear') ? 1 : 0)

/**
 * Runs the checks in lanes, so that their waits overlap. Each check takes a free person. With two
 * or more people, one more person than lanes is free. The next person is the one with the fewest
 * scans, since scans are limited per person.
 * @param {Check[]} checks
 * @returns {Promise<Result>[]} in the order of the checks
 */
function inLanes(checks) {
  const free = everyone()
  let lanes = Math.max(1, Math.min(MAX_LANES, free.length - 1))
  /** @type {(() => void)[]} */
  const waiting = []
  return checks.map(async (check) => {
    if (lanes > 0) lanes -= 1
    else await new Promise((/** @type {(nothing?: undefined) => void} */ resolve) => waiting.push(resolve))
    const person = takeRested(free)
    const result = await run(check, person)
    free.push(person)
    const next = waiting.shift()
    if (next === undefined) lanes += 1
    else next()
    return result
  })
}

function everyone() {
  return scene.people.map((_, person) => scene.as(person))
}

/** Removes and returns the person with the fewest scans. @param {Scene[]} free */
function takeRested(free) {
  free.sort((a, b) => a.scans - b.scans)
  return /** @type {Scene} */ (free.shift())
}

/**
 * @param {Check} check
 * @param {Scene} lane
 * @returns {Promise<Result>}
 */
async function run(check, lane) {
  const startedAt = performance.now()
  const end = await judge(check, lane)
  return { check, ...toOutcome(end), ms: Math.round(performance.now() - startedAt) }
}

/**
 * Returns null if the check held, otherwise what it threw. Restarts it after a rate limit.
 * @param {Check} check
 * @param {Scene} lane
 * @returns {Promise<unknown>}
 */
async function judge(check, lane, rounds = ROUNDS) {
  try {
    await check.run(lane)
    return null
  } catch (error) {
    if (!(error instanceof Limited) || rounds === 1) return error
    const wait = wire.waitFor(error.seconds, check.id)
    return await wait.then(
      () => judge(check, lane, rounds - 1),
      (tooLong) => tooLong,
    )
  }
}

/**
 * An inconclusive check does not count as held.
 * @param {unknown} end
 * @returns {Pick<Result, 'outcome' | 'detail'>}
 */
function toOutcome(end) {
  if (end === null) return { outcome: 'held', detail: '' }
  const outcome = end instanceof Flaw ? 'flaw' : end instanceof Skip ? 'skipped' : 'unclear'
  return { outcome, detail: end instanceof Error ? end.message : String(end) }
}

/** @param {Result} result */
function report(result) {
  const { check, outcome, detail } = result
  const marks = { held: '✓', flaw: '✗', skipped: '–', unclear: '?' }
  const about = [...(check.flaws ?? []), ...(check.mitigations ?? [])].join(' ')
  if (!asJson) {
    console.log(` ${marks[outcome]} ${check.id.padEnd(26)} ${check.title}${about === '' ? '' : `  [${about}]`}`)
    if (detail !== '') console.log(`     ${outcome === 'unclear' ? 'could not be judged: ' : ''}${detail}`)
  }
  return result
}

function summarise() {
  console.log('\nUSENIX Security 2025')
  for (const [name, title] of Object.entries(FLAWS))
    line(name, title, (check) => check.flaws?.includes(/** @type {any} */ (name)))
  console.log('\nRFC 10027, section 6.1')
  for (const [name, [title, otherwise]] of Object.entries(MITIGATIONS)) {
    line(name, title, (check) => check.mitigations?.includes(name), otherwise)
  }
  const count = (/** @type {Result['outcome']} */ outcome) => results.filter((each) => each.outcome === outcome).length
  console.log(
    `\n${count('held')} held, ${count('flaw')} flaws, ${count('unclear')} unclear, ${count('skipped')} skipped`,
  )
}

/**
 * @param {string} name
 * @param {string} title
 * @param {(check: Check) => boolean | undefined} isAbout
 * @param {string} [otherwise] printed if no check is about it
 */
function line(name, title, isAbout, otherwise = 'not among the checks of this run') {
  const about = results.filter(({ check }) => isAbout(check))
  const bad = about.filter(({ outcome }) => outcome === 'flaw' || outcome === 'unclear')
  const held = about.filter(({ outcome }) => outcome === 'held').length
  const verdict =
    bad.length > 0
      ? `FLAWED  ${bad.map(({ check }) => check.id).join(', ')}`
      : held > 0
        ? `held    ${held} ${held === 1 ? 'check' : 'checks'}`
        : `–       ${otherwise}`
  console.log(`  ${name.padEnd(7)} ${title.padEnd(39)} ${verdict}`)
}

/** The public origin of the deployment, read from a code. */
async function findOrigin() {
  const { publicOrigin } = readConfig()
  if (publicOrigin !== undefined) return publicOrigin
  const answer = await wire
    .sendPatiently('POST', '/api/qr', { body: {}, headers: { 'Sec-Fetch-Site': 'same-origin' } })
    .catch((/** @type {Error} */ error) => fail(`${base} does not answer: ${error.message}`))
  const url = answer.json?.code?.url
  if (typeof url !== 'string' || !URL.canParse(url))
    return fail(`the response to POST /api/qr contains no code: ${answer.status} ${answer.text.slice(0, 200)}`)
  return new URL(url).origin
}

/** @returns {{ publicOrigin?: string, people?: import('./audit/parties.mjs').Credentials[] }} */
function readConfig() {
  const path = optionOf('--config')
  if (path === undefined) return {}
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return fail(`${path} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

function readPeople() {
  const people = readConfig().people ?? DEMO
  if (people.length < 2) fail('the configuration needs at least two people: one signs in, the other tries to')
  return people
}

/** @param {string} flag */
function optionOf(flag) {
  const at = args.indexOf(flag)
  return at < 0 ? undefined : args[at + 1]
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message)
  process.exit(2)
}
