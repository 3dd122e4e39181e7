import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseClients } from '@/lib/apps/clients'
import { AppServer } from '@/test/support/app-server'
import { freePort } from '@/test/support/free-port'
import { until } from '@/test/support/until'
import { openWithPhone, signedInPhone, UserAgent } from '@/test/support/user-agent'

/** What `npm run demo` does beside the server: in a process of its own, as it is run. */

const MODULE = resolve('scripts/demo/sample-app.mjs')
const SCRIPT = `
  const { registerSampleApp, startSampleApp } = await import(${JSON.stringify(MODULE)})
  const app = await registerSampleApp()
  process.stdout.write('CLIENTS_FILE=' + process.env.CLIENTS_FILE + '\\n')
  if (app !== null) await startSampleApp(app)
`

let folder: string
let port: number
let child: ChildProcess | null = null
let output = ''

/** Two free ports in a row. */
async function freePair(): Promise<number> {
  for (;;) {
    const first = await freePort()
    const second = createServer()
    const isFree = await new Promise((done) => {
      second.once('error', () => done(false))
      second.listen(first + 1, '127.0.0.1', () => second.close(() => done(true)))
    })
    if (isFree) return first
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-sample-'))
  port = await freePair()
  output = ''
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

function start(env: Record<string, string> = {}): void {
  const all = { PATH: process.env.PATH, PORT: String(port), ...env } as unknown as NodeJS.ProcessEnv
  const started = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], { cwd: folder, env: all })
  child = started
  for (const stream of [started.stdout, started.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
}

const isRegistered = () => until(() => output.includes('CLIENTS_FILE='))

test('registers an app of a third party on the next port, in a file for its owner only', async () => {
  const file = join(folder, '.data', 'sample-app-clients.json')
  mkdirSync(join(folder, '.data'))
  // Of an earlier run.
  writeFileSync(file, '[]', { mode: 0o644 })
  start()
  await isRegistered()
  expect(output).toContain('CLIENTS_FILE=.data/sample-app-clients.json\n')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const url = `http://localhost:${port + 1}`
  expect(parseClients(readFileSync(file, 'utf8'))).toMatchObject([
    { client_name: 'Sample app', client_uri: `${url}/`, redirect_uris: [`${url}/callback`], first_party: false },
  ])
})

test('the app runs on localhost, and a person signs in to it there', async () => {
  start({ DATA_DIR: folder })
  await isRegistered()
  const clients = JSON.parse(readFileSync(join(folder, 'sample-app-clients.json'), 'utf8'))
  const server = await AppServer.start({ clients, port })
  try {
    await until(() => output.includes('Sample app  '))
    const app = `http://localhost:${port + 1}`
    expect(output).toContain(`  Sample app         ${app}\n`)
    const computer = new UserAgent()
    const sent = await computer.fetch(`${app}/sign-in`, { method: 'POST' })
    const login = `http://localhost:${port}`
    const { url, response } = await openWithPhone(
      computer,
      await signedInPhone(login),
      sent.headers.get('location') ?? '',
    )
    expect([url, await response?.text()]).toEqual([`${app}/`, expect.stringContaining('Ada Byron')])
  } finally {
    await server.stop()
  }
})

test.each(['environment', '.env'])('a CLIENTS_FILE of the person wins: %s', async (place) => {
  if (place === '.env') writeFileSync(join(folder, '.env'), 'CLIENTS_FILE=own.json\n')
  start(place === '.env' ? {} : { CLIENTS_FILE: 'own.json' })
  await isRegistered()
  expect(output).toContain('No sample app: CLIENTS_FILE is set.')
  expect(output).toContain(`CLIENTS_FILE=${place === '.env' ? 'undefined' : 'own.json'}\n`)
})

test('a port in use: there is no app, and nothing is registered', async () => {
  const other = createServer()
  await new Promise<void>((done) => other.listen(port + 1, '127.0.0.1', done))
  start()
  await isRegistered()
  expect(output).toContain(`No sample app: port ${port + 1} is in use.`)
  expect(output).toContain('CLIENTS_FILE=undefined\n')
  other.close()
})

test('a folder of no use: there is no app, and the server says what is wrong', async () => {
  writeFileSync(join(folder, 'file'), '')
  start({ DATA_DIR: 'file' })
  await isRegistered()
  expect(output).toMatch(/^No sample app: E/m)
  expect(output).toContain('CLIENTS_FILE=undefined\n')
})
