// Runs everything that a change must pass. The last line is `N passed, N failed`.
//   npm test            check, unit tests, build, end-to-end tests
//   npm run test:e2e    build and end-to-end tests; further arguments go to Playwright
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installBrowser } from './browser.mjs'
import { installServers } from './servers.mjs'
import { buildWithoutProxy } from './without-proxy.mjs'

const [mode, ...rest] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'qr-login-results-'))
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
let passed = 0
let failed = 0

/**
 * @param {string} title
 * @param {string[]} args of Node
 * @param {Record<string, string>} more environment
 */
function run(title, args, more = {}) {
  console.log(`\n== ${title}`)
  return spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...env, ...more } }).status === 0
}

/** @param {boolean} isGood */
function count(isGood) {
  if (isGood) passed += 1
  else failed += 1
  return isGood
}

/**
 * The results file of a test runner; null if the run wrote none and therefore failed.
 * @param {string} file
 */
function readResults(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

function check() {
  count(run('style', ['node_modules/@biomejs/biome/bin/biome', 'check']))
  const hasTypes = run('routes', ['node_modules/next/dist/bin/next', 'typegen'])
  count(hasTypes && run('types', ['node_modules/typescript/bin/tsc', '--noEmit']))
  count(run('unused', ['node_modules/knip/bin/knip.js']))
}

function unit() {
  const file = join(folder, 'unit.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const isGood = run('unit tests', ['node_modules/vitest/vitest.mjs', 'run', ...reporters])
  const results = readResults(file)
  passed += results?.numPassedTests ?? 0
  failed += results?.numFailedTests ?? 0
  // A suite that failed to load reports no failed test.
  if (!isGood && !(results?.numFailedTests > 0)) count(false)
}

function endToEnd() {
  if (!count(installBrowser())) return console.log('There is no Chromium, and none could be installed.')
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
  if (!isGood && !(stats?.unexpected > 0)) count(false)
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
