import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isUp, run } from './support/run'
import { freePort, Server } from './support/server'
import { openStreams, readByes } from './support/streams'
import { expect, test, until } from './support/test'

const STREAMS = 30

const INSPECTOR_PORT = 9229

const DRAIN_STARTED = '"msg":"shutting down"'
const DRAIN_REPEATED = '"msg":"already shutting down"'

const REPEATS = [
  { kind: 'ours', signals: ['SIGTERM', 'SIGTERM', 'SIGINT', 'SIGHUP'], code: 143 },
  { kind: 'next', signals: ['SIGTERM', 'SIGTERM'], code: 143 },
] as const

for (const { kind, signals, code } of REPEATS) {
  test(`${signals.join(', ')}: each stream receives bye, the first signal decides the exit code: ${kind}`, async () => {
    const server = new Server(await freePort(), {}, { server: kind })
    await server.start()
    const reading = readByes(await openStreams(server.origin, STREAMS))
    const startedAt = performance.now()
    const ended = server.ended()
    for (const [index, signal] of signals.entries()) {
      server.signal(signal)
      // Identical signals that are sent at once can be merged into one.
      if (index < signals.length - 1) await until(() => server.output.split('"signal":').length > index + 1)
    }
    expect(await ended).toBe(code)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(await reading).not.toContain(undefined)
    await server.dispose()
  })
}

test('SIGINT and SIGTERM wait for a running request; a third SIGINT does not', async () => {
  const server = await Server.start()
  const slow = connect(server.port, '127.0.0.1', () => {
    const head = ['POST /api/qr HTTP/1.1', `Host: localhost:${server.port}`, `Origin: ${server.origin}`]
    slow.write([...head, 'Content-Type: application/json', 'Content-Length: 2', '', '{'].join('\r\n'))
  })
  slow.on('error', () => {})
  await new Promise((resolve) => slow.once('connect', resolve))
  expect(await isUp(server.port)).toBe(true)
  const ended = server.ended()
  server.signal('SIGINT')
  await until(() => server.output.includes(DRAIN_STARTED))
  server.signal('SIGTERM')
  await until(() => server.output.includes(DRAIN_REPEATED))
  server.signal('SIGINT')
  await until(() => server.output.split(DRAIN_REPEATED).length === 3)
  const startedAt = performance.now()
  server.signal('SIGINT')
  expect(await ended).toBe(130)
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  slow.destroy()
  await server.dispose()
})

for (const kind of ['ours', 'next'] as const) {
  test(`SIGHUP has no effect, and SIGUSR1 opens no inspector: ${kind}`, async () => {
    const server = new Server(await freePort(), {}, { server: kind })
    await server.start()
    for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
      server.signal(signal)
      await until(() => server.output.includes(`"signal":"${signal}","msg":"signal ignored"`))
    }
    expect(await isUp(server.port)).toBe(true)
    expect(await accepts(INSPECTOR_PORT)).toBe(false)
    expect(server.output).not.toContain('Debugger listening')
    await server.dispose()
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.on('connect', () => socket.destroy())
    socket.on('error', () => resolve(false))
  })
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to the process group of npm start: each stream receives bye, no process is left`, async () => {
    const port = String(await freePort())
    const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-start-'))
    const origin = `http://localhost:${port}`
    const settings = { PUBLIC_ORIGIN: origin, SESSION_SECRET: 'x'.repeat(40), RATE_LIMIT_SCALE: '1000' }
    const started = run('npm', ['start'], { ...settings, DATA_DIR: dataDir, PORT: port }, { ownGroup: true })
    await until(() => isUp(port))
    const reading = readByes(await openStreams(origin, STREAMS))
    const startedAt = performance.now()
    started.killGroup(signal)
    await started.ended
    await until(() => !started.hasGroup())
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(await reading).not.toContain(undefined)
    rmSync(dataDir, { recursive: true })
  })
}

test('npm start forwards SIGTERM, and no process is left', async () => {
  const port = String(await freePort())
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-start-'))
  const settings = { PUBLIC_ORIGIN: `http://localhost:${port}`, SESSION_SECRET: 'x'.repeat(40), DATA_DIR: dataDir }
  const started = run('npm', ['start'], { ...settings, PORT: port })
  await until(() => isUp(port))
  started.kill('SIGTERM')
  await started.ended
  await until(async () => !(await isUp(port)))
  rmSync(dataDir, { recursive: true })
})
