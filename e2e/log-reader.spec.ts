import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent as Connections, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isUp } from './support/run'
import { freePort } from './support/server'
import { openStreams, readGoodbyes } from './support/streams'
import { expect, test, until } from './support/test'

/**
 * What the log can be told before lines are lost: the pipe, then the backlog. Each refusal is a
 * line of 200 characters.
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

/**
 * Sends requests that are refused, each of which is a line of the log; resolves when all are
 * answered.
 */
async function refuse(port: number, count: number): Promise<void> {
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const asked = request({ port, path: '/api/nowhere', agent: connections }, (response) => {
        response.resume().once('end', () => resolve())
      })
      asked.once('error', reject)
      asked.setTimeout(5_000, () => asked.destroy(new Error('not answered within 5 s')))
      asked.end()
    })
  for (let sent = 0; sent < count; sent += 20) await Promise.all(Array.from({ length: 20 }, one))
}

test('a log that is not read holds neither answers nor the end; read again, it says what was lost', async () => {
  const { child, port, ended, dispose } = await startUnread()
  try {
    await refuse(port, REFUSALS)
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
    await refuse(port, REFUSALS / 3)
    const reading = readGoodbyes(await openStreams(`http://localhost:${port}`, 30))
    const startedAt = performance.now()
    child.kill('SIGTERM')
    expect(await ended).toBe(143)
    // The second of being unready, and what the flush may take.
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(await reading).not.toContain(undefined)
  } finally {
    dispose()
  }
})

test('a reader of the log that goes away ends nothing', async () => {
  const { child, port, ended, dispose } = await startUnread()
  try {
    child.stdout?.destroy()
    await refuse(port, 100)
    expect(await isUp(port)).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toBe(143)
  } finally {
    dispose()
  }
})
