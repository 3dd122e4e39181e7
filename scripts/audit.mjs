// Black-box checks of a sign-in by QR code, against any deployment that speaks PROTOCOL.md:
//   npm run audit -- https://login.example.com [--config people.json] [--only binding,races] [--json]
// Ends with 0 when nothing was found, 1 when something was, 2 when the deployment cannot be audited.
import { readFileSync } from 'node:fs'
import { answers } from './audit/answers.mjs'
import { binding } from './audit/binding.mjs'
import { FLAWS, MITIGATIONS } from './audit/catalogue.mjs'
import { Flaw, Skip } from './audit/check.mjs'
import { codes } from './audit/codes.mjs'
import { leaks } from './audit/leaks.mjs'
import { limits } from './audit/limits.mjs'
import { races } from './audit/races.mjs'
import { requests } from './audit/requests.mjs'
import { Scene } from './audit/scene.mjs'
import { tokens } from './audit/tokens.mjs'
import { Wire } from './audit/wire.mjs'

/**
 * @typedef {import('./audit/check.mjs').Check} Check
 * @typedef {{ check: Check, outcome: 'held' | 'flaw' | 'skipped' | 'unclear', detail: string, ms: number }} Result
 */

const CHECKS = [...codes, ...binding, ...tokens, ...leaks, ...races, ...requests, ...answers, ...limits]

/** Needs minutes of waiting and nothing of the others': runs beside them. */
const BESIDE = 'codes.photographed'

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
const beside = chosen.filter(({ id }) => id === BESIDE).map(run)
/** @type {Result[]} */
const results = []
for (const check of chosen.filter(({ id }) => id !== BESIDE)) results.push(report(await run(check)))
for (const result of await Promise.all(beside)) results.push(report(result))

if (asJson) {
  const plain = results.map(({ check: { id, title, flaws = [], mitigations = [] }, outcome, detail, ms }) => {
    return { id, title, flaws, mitigations, outcome, detail, ms }
  })
  console.log(JSON.stringify({ base, origin: scene.origin, checks: plain }, null, 2))
} else summarise()
process.exit(results.some(({ outcome }) => outcome === 'flaw' || outcome === 'unclear') ? 1 : 0)

/** @param {Check} check @returns {Promise<Result>} */
async function run(check) {
  const startedAt = performance.now()
  /** @type {Pick<Result, 'outcome' | 'detail'>} */
  let end = { outcome: 'held', detail: '' }
  try {
    await check.run(scene)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    // What could not be judged is not held: an audit that looks away proves nothing.
    end = { outcome: error instanceof Flaw ? 'flaw' : error instanceof Skip ? 'skipped' : 'unclear', detail }
  }
  return { check, ...end, ms: Math.round(performance.now() - startedAt) }
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
  for (const [name, [title, elsewhere]] of Object.entries(MITIGATIONS)) {
    line(name, title, (check) => check.mitigations?.includes(name), elsewhere)
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
 * @param {string} [elsewhere]
 */
function line(name, title, isAbout, elsewhere = 'not among the checks of this run') {
  const about = results.filter(({ check }) => isAbout(check))
  const bad = about.filter(({ outcome }) => outcome === 'flaw' || outcome === 'unclear')
  const held = about.filter(({ outcome }) => outcome === 'held').length
  const verdict =
    bad.length > 0
      ? `FLAWED  ${bad.map(({ check }) => check.id).join(', ')}`
      : held > 0
        ? `held    ${held} ${held === 1 ? 'check' : 'checks'}`
        : `–       ${elsewhere}`
  console.log(`  ${name.padEnd(7)} ${title.padEnd(38)} ${verdict}`)
}

/** Where the deployment says that its pages are: in the code. */
async function findOrigin() {
  const { publicOrigin } = readConfig()
  if (publicOrigin !== undefined) return publicOrigin
  const answer = await wire
    .sendPatiently('POST', '/api/qr', { body: {}, headers: { 'Sec-Fetch-Site': 'same-origin' } })
    .catch((/** @type {Error} */ error) => fail(`${base} does not answer: ${error.message}`))
  const url = answer.json?.code?.url
  if (typeof url !== 'string' || !URL.canParse(url))
    return fail(`POST /api/qr gives no code: ${answer.status} ${answer.text.slice(0, 200)}`)
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
  if (people.length < 2) fail('the configuration needs two people at least: one signs in, the other tries to')
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
