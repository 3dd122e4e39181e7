import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../support/free-port'
import { until } from '../support/until'

/** An app on a library of others, set up by `npm run add-client` as a team would. */
export interface ForeignApp {
  url: string
  /** Where add-client's files are. */
  folder: string
  /** The port that the app listens on. */
  port: number
}

/** Apps of one clients file, whose qr-login is at `origin`. */
export class ForeignApps {
  readonly origin: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'qr-login-foreign-'))
  readonly #children: ChildProcess[] = []

  /** The server at `origin` need not run yet. */
  constructor(origin: string) {
    this.origin = origin
  }

  get clients(): object[] {
    return JSON.parse(readFileSync(join(this.#folder, 'clients.json'), 'utf8')) as object[]
  }

  /** Adds an app for one of the targets of add-client, and keeps what is to be pasted. */
  async add(target: string, name = target): Promise<ForeignApp> {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const args = ['--name', name, '--url', url, '--for', target, '--first-party', '--origin', this.origin]
    const file = ['--file', join(this.#folder, 'clients.json')]
    const env = { ...process.env, LANG: 'C' }
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['scripts/add-client.mjs', ...args, ...file], { env })
    const folder = join(this.#folder, name)
    mkdirSync(folder)
    for (const part of stdout.split(/^──── /m).slice(1)) {
      const end = part.indexOf('\n')
      writeFileSync(join(folder, part.slice(0, end).trim()), part.slice(end).trim())
    }
    return { url, folder, port }
  }

  /** Starts the app as the guide says, and waits until it listens. */
  async start(
    app: ForeignApp,
    command: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<void> {
    const child = spawn(command, args, {
      env: { ...process.env, PORT: String(app.port), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => {
      errors += text.toString()
    })
    this.#children.push(child)
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`${command} exited with ${child.exitCode}: ${errors}`)
      return await isListening(app.url)
    })
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      const ended = child.exitCode !== null || new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isListening(url: string): Promise<boolean> {
  return fetch(url, { redirect: 'manual' }).then(
    () => true,
    () => false,
  )
}

const MODULES = '/usr/lib/apache2/modules'
export const hasApache = existsSync(`${MODULES}/mod_auth_openidc.so`) && existsSync('/usr/sbin/apache2')

/** Apache refuses to serve as root. */
const isRoot = process.getuid?.() === 0

/** A server with the snippet of the guide in it, whose page has what Apache gives to an app. */
export function writeApacheConfig({ folder, port }: ForeignApp): string {
  mkdirSync(join(folder, 'pages'))
  if (isRoot) chmodSync(dirname(folder), 0o755)
  const names = ['REMOTE_USER', 'OIDC_CLAIM_name', 'OIDC_CLAIM_email', 'OIDC_CLAIM_groups']
  const echoes = names.map((name) => `<!--#echo encoding="none" var="${name}" -->`)
  writeFileSync(join(folder, 'pages', 'index.shtml'), echoes.join('|'))
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'include', 'mime', 'auth_openidc']
  const file = join(folder, 'httpd.conf')
  const lines = [
    `ServerRoot ${folder}`,
    `Listen 127.0.0.1:${port}`,
    `ServerName 127.0.0.1:${port}`,
    ...modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
    ...(isRoot ? ['User nobody', 'Group nogroup'] : []),
    `PidFile ${folder}/apache.pid`,
    'ErrorLog /dev/null',
    `DefaultRuntimeDir ${folder}`,
    'TypesConfig /dev/null',
    `DocumentRoot ${folder}/pages`,
    'DirectoryIndex index.shtml',
    'AddType text/html .shtml',
    'AddOutputFilter INCLUDES .shtml',
    `<Directory ${folder}/pages>`,
    '  Options +Includes',
    '</Directory>',
    `Include ${folder}/apache.conf`,
  ]
  writeFileSync(file, lines.join('\n'))
  return file
}
