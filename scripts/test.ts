// Runs everything that a change must pass. The last line is `N passed, N failed`.
//   npm test            check, unit tests, build, end-to-end tests
//   npm run test:e2e    build and end-to-end tests; further arguments go to Playwright
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { installBrowser } from './browser'
import { installServers } from './servers'
import { buildWithoutProxy } from './without-proxy'

const [mode, ...rest] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'qr-login-results-'))
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
let passed = 0
/** The names of the failed tests and steps. */
const failed: string[] = []

/** What is read of the results file of Vitest. */
interface UnitResults {
  numPassedTests: number
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[]
}

/** What is read of the results file of Playwright. */
interface EndToEndResults {
  stats: { expected: number }
  suites: Suite[]
}

interface Suite {
  specs: { title: string; file: string; ok: boolean }[]
  suites?: Suite[]
}

/** Runs Node with `args`, and returns whether it succeeded. `more`: further environment. */
function run(title: string, args: string[], more: Record<string, string> = {}): boolean {
  console.log(`\n== ${title}`)
  return spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...env, ...more } }).status === 0
}

/** Counts a step of this name, and returns whether it succeeded. */
function count(name: string, isGood: boolean): boolean {
  if (isGood) passed += 1
  else failed.push(name)
  return isGood
}

/** The results file of a test runner; null if the run wrote none and therefore failed. */
function readResults<Results>(file: string): Results | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch {
    return null
  }
}

/**
 * Counts the tests of a run. A run that failed without a failed test (a file did not load) is one
 * failure.
 */
function countTests(run: string, isGood: boolean, passes: number, failures: string[]): void {
  passed += passes
  failed.push(...failures)
  if (!isGood && failures.length === 0) failed.push(run)
}

function check(): void {
  count('style', run('style', ['node_modules/@biomejs/biome/bin/biome', 'check']))
  const hasTypes = run('routes', ['node_modules/next/dist/bin/next', 'typegen'])
  count('types', hasTypes && run('types', ['node_modules/typescript/bin/tsc', '--noEmit']))
  count('unused', run('unused', ['node_modules/knip/bin/knip.js']))
}

function unit(): void {
  const file = join(folder, 'unit.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const isGood = run('unit tests', ['node_modules/vitest/vitest.mjs', 'run', ...reporters])
  const results = readResults<UnitResults>(file)
  const failures = (results?.testResults ?? []).flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${relative(process.cwd(), name)} › ${fullName}`),
  )
  countTests('unit tests', isGood, results?.numPassedTests ?? 0, failures)
}

function failedSpecs({ specs, suites = [] }: Suite): string[] {
  const own = specs.filter(({ ok }) => !ok).map(({ file, title }) => `e2e/${file} › ${title}`)
  return [...own, ...suites.flatMap(failedSpecs)]
}

function endToEnd(): void {
  if (!count('browser', installBrowser())) {
    console.log('There is no Chromium, and none could be installed.')
    return
  }
  if (!count('build', run('build', ['node_modules/next/dist/bin/next', 'build']))) return
  console.log('\n== build without the proxy')
  if (!count('build without the proxy', buildWithoutProxy())) return
  const file = join(folder, 'e2e.json')
  const isGood = run('end-to-end tests', ['node_modules/playwright/cli.js', 'test', '--reporter=list,json', ...rest], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: file,
  })
  const results = readResults<EndToEndResults>(file)
  const failures = (results?.suites ?? []).flatMap(failedSpecs)
  countTests('end-to-end tests', isGood, results?.stats.expected ?? 0, failures)
}

// Tests of a program that cannot be installed are reported as skipped; with CI set that is a
// failure.
if (!installServers() && process.env.CI) failed.push('servers')
if (mode !== 'e2e') {
  check()
  unit()
}
endToEnd()
rmSync(folder, { recursive: true, force: true })
if (failed.length > 0) console.log(`\nFailed:\n${failed.map((name) => `  ${name}`).join('\n')}`)
console.log(`\n${passed} passed, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)
