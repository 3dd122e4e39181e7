import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '@/test/support/until'

/** The real process of `instrumentation.ts`, without a server, which signals and mistakes end. */

const SECRET = 'a-secret-of-a-test-that-is-long-enough'
const WIKI = {
  client_id: 'wiki',
  client_secret: SECRET,
  client_name: 'Wiki',
  redirect_uris: ['https://wiki.example.com/callback'],
}

let folder = ''
let child: ChildProcess | null = null
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-signals-'))
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

const write = (text: string) => writeFileSync(join(folder, 'clients.json'), text)

function start(env: Record<string, string>) {
  const script = "await (await import('./instrumentation.ts')).register(); setInterval(() => {}, 1_000)"
  const started = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    env: {
      NODE_ENV: 'production',
      NEXT_RUNTIME: 'nodejs',
      PUBLIC_ORIGIN: 'https://login.example.com',
      SESSION_SECRET: 'a secret for tests that is long enough',
      DATA_DIR: join(folder, 'data'),
      ...env,
    },
  })
  child = started
  let output = ''
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = new Promise<number | null>((resolve) => started.once('close', resolve))
  const waitFor = async (text: string) => await until(() => output.includes(text))
  return { ended, waitFor, signal: (name: NodeJS.Signals) => started.kill(name), output: () => output }
}

test('a wrong clients file: the process prints a table and exits with 1', async () => {
  write(JSON.stringify([{ ...WIKI, scope: 'all', client_secret: 'hunter2' }]))
  const started = start({ CLIENTS_FILE: join(folder, 'clients.json') })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^qr-login cannot start\. The clients file has mistakes/m)
  expect(started.output()).toMatch(/^ {2}client 1 \(wiki\) client_secret +expected: 32 to 512/m)
  expect(started.output()).toMatch(/^ {2}client 1 \(wiki\) scope +expected: openid/m)
  expect(started.output()).not.toContain('hunter2')
})

test('a clients file that is not there: the process names the setting and exits with 1', async () => {
  const started = start({ CLIENTS_FILE: join(folder, 'none.json') })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^ {2}CLIENTS_FILE +expected: the path of a readable file/m)
})

test('SIGHUP reads the clients file again; a wrong file is one error line, and the next right one counts', async () => {
  write(JSON.stringify([WIKI]))
  const started = start({ CLIENTS_FILE: join(folder, 'clients.json') })
  await started.waitFor('"msg":"started"')
  write(JSON.stringify([WIKI, { ...WIKI, client_id: 'chat' }]))
  started.signal('SIGHUP')
  await started.waitFor('"clients":2,"msg":"clients file read"')
  write(`[{"client_secret": "${SECRET}`)
  started.signal('SIGHUP')
  await started.waitFor('the clients file is wrong')
  write('[]')
  started.signal('SIGHUP')
  await started.waitFor('"clients":0,"msg":"clients file read"')
  const errors = started
    .output()
    .split('\n')
    .filter((line) => line.includes('"level":"error"'))
  expect(errors.map((line) => JSON.parse(line))).toMatchObject([{ problems: [{ name: 'file' }] }])
  expect(started.output()).not.toContain(SECRET)
  started.signal('SIGTERM')
  expect(await started.ended).toBe(143)
})

test('without a clients file SIGHUP has no effect, and SIGUSR1 opens no inspector', async () => {
  const started = start({})
  await started.waitFor('"msg":"started"')
  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
    started.signal(signal)
    await started.waitFor(`"signal":"${signal}","msg":"signal ignored"`)
  }
  expect(started.output()).not.toContain('Debugger listening')
})
