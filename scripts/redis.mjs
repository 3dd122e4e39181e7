// Installs the redis-server that tests start on ports of their own, where there is none.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** @returns {boolean} whether there is one now */
export function installRedis() {
  const isThere = () => spawnSync('redis-server', ['--version']).status === 0
  if (isThere()) return true
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Redis with apt-get…')
    // The program alone: tests start it themselves, and no service has to run.
    for (const args of [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'],
    ]) {
      spawnSync('apt-get', args, {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
        timeout: 5 * 60_000,
      })
    }
  }
  return isThere()
}
