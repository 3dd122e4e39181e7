// Installs missing programs that tests start: servers (on their own ports), strace, mount,
// faketime, Apache, and libraries for Python. Go is not installed: its test runs where it is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const starts = (name: string) => spawnSync(name, ['-v']).error === undefined

/**
 * Package, and whether it is there. Some are not servers: they trace the writes of a process, mount
 * a small disk, and set the clock of one process, or are libraries of apps.
 */
const PACKAGES: Readonly<Record<string, () => boolean>> = {
  'redis-server': () => starts('redis-server'),
  'nginx-light': () => starts('nginx'),
  caddy: () => starts('caddy'),
  prometheus: () => starts('promtool'),
  strace: () => starts('strace'),
  mount: () => starts('mount'),
  faketime: () => starts('faketime'),
  'python3-minimal': () => starts('python3'),
  curl: () => starts('curl'),
  jq: () => starts('jq'),
  qrencode: () => starts('qrencode'),
  apache2: () => existsSync('/usr/sbin/apache2'),
  'libapache2-mod-auth-openidc': () => existsSync('/usr/lib/apache2/modules/mod_auth_openidc.so'),
  // Debian's own Python has Debian's packages.
  'python3-authlib': () => hasPythonModule('authlib'),
  'python3-requests': () => hasPythonModule('requests'),
}

function hasPythonModule(name: string): boolean {
  return spawnSync('/usr/bin/python3', ['-c', `import ${name}`]).status === 0
}

/** Returns whether all of them are installed now. */
export function installServers(): boolean {
  const findMissing = () => Object.entries(PACKAGES).flatMap(([name, isThere]) => (isThere() ? [] : [name]))
  const packages = findMissing()
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
  return findMissing().length === 0
}
