// Installs missing programs that tests start: servers (on their own ports), strace, mount,
// faketime.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * Program and package. Some are not servers: they trace the writes of a process, mount a small
 * disk, and set the clock of one process.
 */
const PACKAGES = {
  'redis-server': 'redis-server',
  nginx: 'nginx-light',
  caddy: 'caddy',
  promtool: 'prometheus',
  strace: 'strace',
  mount: 'mount',
  faketime: 'faketime',
  python3: 'python3-minimal',
}

/** Returns whether all of them are installed now. */
export function installServers(): boolean {
  const missing = () => Object.entries(PACKAGES).filter(([name]) => spawnSync(name, ['-v']).error !== undefined)
  const packages = missing().map(([, name]) => name)
  if (packages.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`Installing ${packages.join(' and ')} with apt-get…`)
    // Installs the programs without starting services: the tests start them.
    for (const args of [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', ...packages],
    ]) {
      spawnSync('apt-get', args, {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
        timeout: 5 * 60_000,
      })
    }
  }
  return missing().length === 0
}
