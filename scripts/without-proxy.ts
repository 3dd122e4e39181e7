// Builds the app without proxy.ts, as if it were deleted or the framework did not run it for a
// request. A test uses this build to show that proxy.ts authorises nothing.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Inside the project, so that modules resolve. */
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

export function hasWithoutProxy(): boolean {
  return existsSync(join(WITHOUT_PROXY, '.next/BUILD_ID'))
}

/** Returns whether the build succeeded. */
export function buildWithoutProxy(): boolean {
  rmSync(WITHOUT_PROXY, { recursive: true, force: true })
  mkdirSync(WITHOUT_PROXY)
  // Without tests, which import from outside these parts.
  const filter = (path: string) => !/\.test\.tsx?$/.test(path)
  for (const part of PARTS) cpSync(part, join(WITHOUT_PROXY, part), { recursive: true, filter })
  const next = resolve('node_modules/next/dist/bin/next')
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  return spawnSync(process.execPath, [next, 'build'], { cwd: WITHOUT_PROXY, stdio: 'inherit', env }).status === 0
}
