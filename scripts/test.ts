// Runs everything that a change must pass. The last line is `N passed, N failed`.
//   npm test            check, unit tests, build, end-to-end tests
//   npm run test:e2e    build and end-to-end tests; further arguments go to Playwright
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installBrowser } from './browser'
import { installServers } from './servers'
import { buildWithoutProxy } from './without-proxy'

const [mode, ...rest] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'qr-login-results-'))
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
let passed = 0
let failed = 0

/** What is read of the results files: of Vitest the numbers, of Playwright `stats`. */
interface Results {
  numPassedTests?: number
  numFailedTests?: number
  stats?: { expected: number; unexpected: number; flaky: number }
}

/** Runs Node with `args`, and returns whether it succeeded. `more`: further environment. */
function run(title: string, args: string[], more: Record<string, string> = {}): boolean {
  console.log(`\n== ${title}`)
  return spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...env, ...more } }).status === 0
}

function count(isGood: boolean): boolean {
  if (isGood) passed += 1
  else failed += 1
  return isGood
}

/** The results file of a test runner; null if the run wrote none and therefore failed. */
function readResults(file: string): Results | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch {
    return null
  }
}

function check(): void {
  count(run('style', ['node_modules/@biomejs/biome/bin/biome', 'check']))
  const hasTypes = run('routes', ['node_modules/next/dist/bin/next', 'typegen'])
  count(hasTypes && run('types', ['node_modules/typescript/bin/tsc', '--noEmit']))
  count(run('unused', ['node_modules/knip/bin/knip.js']))
}

function unit(): void {
  const file = join(folder, 'unit.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const isGood = run('unit tests', ['node_modules/vitest/vitest.mjs', 'run', ...reporters])
  const results = readResults(file)
  passed += results?.numPassedTests ?? 0
  failed += results?.numFailedTests ?? 0
  // A suite that failed to load reports no failed test.
  if (!isGood && !((results?.numFailedTests ?? 0) > 0)) count(false)
}

function endToEnd(): void {
  if (!count(installBrowser())) {
    console.log('There is no Chromium, and none could be installed.')
    return
  }
  if (!count(run('build', ['node_modules/next/dist/bin/next', 'build']))) return
  console.log('\n== build without the proxy')
  if (!count(buildWithoutProxy())) return
  const file = join(folder, 'e2e.json')
  const isGood = run('end-to-end tests', ['node_modules/playwright/cli.js', 'test', '--reporter=list,json', ...rest], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: file,
  })
  const stats = readResults(file)?.stats
  passed += (stats?.expected ?? 0) + (stats?.flaky ?? 0)
  failed += stats?.unexpected ?? 0
  if (!isGood && !((stats?.unexpected ?? 0) > 0)) count(false)
}

// Tests of a program that cannot be installed are reported as skipped; with CI set that is a
// failure.
if (!installServers() && process.env.CI) count(false)
if (mode !== 'e2e') {
  check()
  unit()
}
endToEnd()
rmSync(folder, { recursive: true, force: true })
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
