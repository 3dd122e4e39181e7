// Copies the built app without its proxy.ts, as if it were deleted or the framework did not run it
// for a request. A test uses the copy to show that proxy.ts authorises nothing.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Inside the project, so that modules resolve. */
export const WITHOUT_PROXY = '.without-proxy'

const PARTS = ['public', 'scripts/start.mjs', 'next.config.js', 'package.json']
/** What the framework reads to find out which requests it runs the proxy for. */
const MANIFEST = '.next/server/functions-config-manifest.json'
/** The proxy as it is built. */
const BUILT = ['.next/server/middleware', '.next/server/middleware.js']

export function hasWithoutProxy(): boolean {
  return existsSync(join(WITHOUT_PROXY, '.next/BUILD_ID'))
}

/** Needs the build. Returns false if that does not have the proxy where it is looked for. */
export function buildWithoutProxy(): boolean {
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { functions: Record<string, unknown> }
  if (!('/_middleware' in manifest.functions) || !BUILT.every((path) => existsSync(path))) return false
  rmSync(WITHOUT_PROXY, { recursive: true, force: true })
  mkdirSync(WITHOUT_PROXY)
  const isPart = (path: string) => !/^\.next\/(cache|dev)(\/|$)/.test(path)
  cpSync('.next', join(WITHOUT_PROXY, '.next'), { recursive: true, verbatimSymlinks: true, filter: isPart })
  for (const part of PARTS) cpSync(part, join(WITHOUT_PROXY, part), { recursive: true })
  // Packages that are not bundled are found through links in the build.
  symlinkSync('../node_modules', join(WITHOUT_PROXY, 'node_modules'))
  for (const path of BUILT) rmSync(join(WITHOUT_PROXY, path), { recursive: true })
  writeFileSync(join(WITHOUT_PROXY, MANIFEST), JSON.stringify({ ...manifest, functions: {} }))
  return true
}
