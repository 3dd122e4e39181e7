// The app as it would be if proxy.ts were deleted, or skipped by a request that the framework does not match: for the test that nothing is
// authorised in there.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Inside the project, so that it finds the project's modules. */
export const WITHOUT_PROXY = '.without-proxy'

const PARTS = [
  'app',
  'lib',
  'public',
  'scripts/start.mjs',
  'instrumentation.ts',
  'instrumentation-node.ts',
  'next.config.js',
  'package.json',
  'tsconfig.json',
]

export function hasWithoutProxy() {
  return existsSync(join(WITHOUT_PROXY, '.next/BUILD_ID'))
}

/** @returns {boolean} whether it was built */
export function buildWithoutProxy() {
  rmSync(WITHOUT_PROXY, { recursive: true, force: true })
  mkdirSync(WITHOUT_PROXY)
  for (const part of PARTS) cpSync(part, join(WITHOUT_PROXY, part), { recursive: true })
  const next = resolve('node_modules/next/dist/bin/next')
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  return spawnSync(process.execPath, [next, 'build'], { cwd: WITHOUT_PROXY, stdio: 'inherit', env }).status === 0
}
