// Finds the Chromium for the end-to-end tests, and installs one if there is none.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

const SYSTEM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The path of a Chromium, or null if Playwright uses its own. */
export function findBrowser(): string | null {
  const own = chromium.executablePath()
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH
  if (existsSync(own)) return null
  return SYSTEM_PATHS.find((path) => existsSync(path)) ?? null
}

/** Returns whether a browser is installed now. */
export function installBrowser(): boolean {
  const isThere = () => existsSync(chromium.executablePath()) || findBrowser() !== null
  if (isThere()) return true
  const isRoot = process.getuid?.() === 0
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium with apt-get…')
    run('apt-get', ['update', '-qq'])
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-noto-cjk'])
  }
  if (isThere()) return true
  console.log('Installing Chromium with Playwright…')
  run(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium'])
  return isThere()
}

function run(command: string, args: string[]): void {
  spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 10 * 60_000,
  })
}
