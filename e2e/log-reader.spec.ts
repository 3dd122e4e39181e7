import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent as Connections, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isUp } from './support/run'
import { freePort } from './support/server'
import { openStreams, readByes } from './support/streams'
import { expect, test, until } from './support/test'

/**
 * More log lines than the pipe and the server's buffer can hold. Each refusal is a line of 200
 * characters.
 */
const REFUSALS = 7_500

const connections = new Connections({ keepAlive: true, maxSockets: 20 })
test.afterAll(() => connections.destroy())

interface Started {
  child: ChildProcess
  port: number
  ended: Promise<number | null>
  dispose: () => void
}

/** A server whose stdout is a pipe that is not read. */
async function startUnread(): Promise<Started> {
  const port = await freePort()
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-unread-'))
  const env = {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    PORT: String(port),
    PUBLIC_ORIGIN: `http://localhost:${port}`,
    SESSION_SECRET: 'x'.repeat(40),
    DATA_DIR: dataDir,
    RATE_LIMIT_SCALE: '1000',
  } as const
  const child = spawn(process.execPath, ['scripts/start.mjs'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await until(() => isUp(port))
  const dispose = () => {
    child.kill('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { child, port, ended, dispose }
}

/** Sends `count` requests that are refused with one log line each. Waits for all responses. */
async function sendRefused(port: number, count: number): Promise<void> {
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const sent = request({ port, path: '/api/nowhere', agent: connections }, (response) => {
        response.resume().once('end', () => resolve())
      })
      sent.once('error', reject)
      sent.setTimeout(5_000, () => sent.destroy(new Error('no response within 5 s')))
      sent.end()
    })
  for (let done = 0; done < count; done += 20) await Promise.all(Array.from({ length: 20 }, one))
}

test('an unread log delays neither responses nor the exit; when read again, it has the number of dropped lines', async () => {
  const { child, port, ended, dispose } = await startUnread()
  try {
    await sendRefused(port, REFUSALS)
    expect(await isUp(port)).toBe(true)
    let log = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    await until(() => log.includes('log lines were lost'))
    const line = log.split('\n').find((text) => text.includes('log lines were lost')) ?? '{}'
    const { dropped } = JSON.parse(line) as { dropped: number }
    const logged = log.split('"event":"refused"').length - 1
    expect(dropped).toBeGreaterThan(0)
    expect(logged + dropped).toBe(REFUSALS)
    child.stdout?.pause()
    await sendRefused(port, REFUSALS / 3)
    const reading = readByes(await openStreams(`http://localhost:${port}`, 30))
    const startedAt = performance.now()
    child.kill('SIGTERM')
    expect(await ended).toBe(143)
    // One second of drain, plus the time for the flush.
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(await reading).not.toContain(undefined)
  } finally {
    dispose()
  }
})

test('a log reader that closes the pipe does not stop the server', async () => {
  const { child, port, ended, dispose } = await startUnread()
  try {
    child.stdout?.destroy()
    await sendRefused(port, 100)
    expect(await isUp(port)).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toBe(143)
  } finally {
    dispose()
  }
})
