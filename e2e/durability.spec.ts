import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from './support/agent'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
test.skip(!canTrace && !process.env.CI, 'tracing needs strace and its privileges')

let folder: string
let server: Server
let tracer: ChildProcess
let log: string
test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-trace-'))
  log = join(folder, 'trace')
  server = await Server.start()
})
test.afterAll(async () => {
  await server.dispose()
  rmSync(folder, { recursive: true })
})

/**
 * Starts to trace the process. With `-y` each line names the file. `args`: further ones of strace.
 */
async function trace(args: string[]): Promise<void> {
  const calls = 'trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg'
  tracer = spawn('strace', ['-f', '-y', '-o', log, '-e', calls, '-s', '64', ...args, '-p', String(server.pid)])
  let stderr = ''
  tracer.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  await until(() => stderr.includes('attached'))
}

async function endTrace(): Promise<string[]> {
  const ended = new Promise((resolve) => tracer.once('exit', resolve))
  tracer.kill('SIGINT')
  await ended
  return readFileSync(log, 'utf8').split('\n')
}

/**
 * Whether the write-ahead log was synced between the last write to it and the 2xx response. A call
 * can be split into two lines, for its start and its end: they have the same thread id.
 */
function isSynced(lines: string[]): boolean {
  const lastWrite = lines.findLastIndex((line) => /pwrite64\(\d+<[^>]*qr-login\.db-wal>/.test(line))
  const response = lines.findLastIndex(
    (line) => /write(v)?\(\d+<(TCP|socket)/.test(line) && line.includes('HTTP/1.1 20'),
  )
  expect(lastWrite).toBeGreaterThan(-1)
  expect(response).toBeGreaterThan(lastWrite)
  const between = lines.slice(lastWrite + 1, response)
  const begun = between.findIndex((line) => /fdatasync\(\d+<[^>]*qr-login\.db-wal>/.test(line))
  if (begun < 0) return false
  const [thread] = (between[begun] ?? '').split(' ')
  return between.slice(begun).some((line) => line.startsWith(`${thread} `) && / = 0$/.test(line))
}

test('the write of a readiness check is synced to disk before its response', async () => {
  await trace([])
  // A readiness result is cached for half a second, that of the start too.
  const startedAt = performance.now()
  await until(() => performance.now() - startedAt > 600)
  expect((await fetch(`${server.origin}/api/health/ready`)).status).toBe(200)
  expect(isSynced(await endTrace())).toBe(true)
})

test('a sign-in, a cancel and a sign-out are synced to disk before their response', async () => {
  const [computer, phone] = [new Agent(server.origin), new Agent(server.origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  const { json: other } = await new Agent(server.origin).send('POST', '/api/qr', {})
  const { json: declined } = await phone.send('POST', '/api/qr/scan', { code: other.code.url.split('#')[1] })
  const steps: [string, () => Promise<{ status: number }>][] = [
    ['redeem', () => computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })],
    ['cancel', () => phone.send('POST', '/api/qr/cancel', { claim: declined.claim })],
    ['sign-out', () => computer.send('DELETE', '/api/session')],
  ]
  for (const [name, step] of steps) {
    await trace([])
    const { status } = await step()
    expect([name, Math.floor(status / 100)]).toEqual([name, 2])
    expect([name, isSynced(await endTrace())]).toEqual([name, true])
  }
})

test('one failed fdatasync keeps the store unready until a restart', async () => {
  await trace(['-e', 'inject=fdatasync:error=EIO:when=1'])
  const ready = () => fetch(`${server.origin}/api/health/ready`).then(({ status }) => status)
  await until(async () => (await ready()) === 503)
  await endTrace()
  expect(server.output).toContain('the write-ahead log could not be synced')
  for (const startedAt = performance.now(); performance.now() < startedAt + 1_500; ) expect(await ready()).toBe(503)
  await server.end('SIGKILL')
  await server.start()
  expect(await ready()).toBe(200)
})
