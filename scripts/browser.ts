// Finds the Chromium for the end-to-end tests, and installs one if there is none.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

/**
 * Has no windows and no cameras. A page takes a third of the CPU time that it takes in the others.
 */
const SHELL = '/usr/bin/chromium-headless-shell'
const WITH_WINDOWS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The path of a Chromium, or null if Playwright uses its own. */
export function findBrowser(): string | null {
  return find([SHELL, ...WITH_WINDOWS])
}

/** Launch options of a Chromium that has a camera. */
export function withCamera(): { executablePath?: string } {
  const executablePath = find(WITH_WINDOWS)
  return executablePath === null ? {} : { executablePath }
}

function find(paths: readonly string[]): string | null {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH
  if (existsSync(chromium.executablePath())) return null
  return paths.find((path) => existsSync(path)) ?? null
}

/** Returns whether a browser is installed now. */
export function installBrowser(): boolean {
  const isThere = () => existsSync(chromium.executablePath()) || find(WITH_WINDOWS) !== null
  if (isThere()) return true
  const isRoot = process.getuid?.() === 0
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium with apt-get…')
    run('apt-get', ['update', '-qq'])
    const install = ['install', '-y', '-qq', '--no-install-recommends']
    run('apt-get', [...install, 'chromium', 'fonts-noto-cjk'])
    // By itself: older distributions have no package of the shell.
    run('apt-get', [...install, 'chromium-headless-shell'])
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
