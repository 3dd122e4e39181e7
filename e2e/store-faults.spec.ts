import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from './support/agent'
import { freePort, Server, type Settings } from './support/server'
import { expect, test, until } from './support/test'

let folder: string
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-faults-'))
})
test.afterAll(() => rmSync(folder, { recursive: true }))

/** Starts a process that should fail. `code`: null if it started, or did not exit within 20 s. */
async function startFailing(settings: Settings): Promise<{ code: number | null; output: string }> {
  const server = new Server(await freePort(), settings)
  const code = await server.start().then(
    () => null,
    () => server.exitCode,
  )
  const { output } = server
  await server.dispose()
  return { code, output }
}

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Runs SQL in another process, which then keeps the database open. */
async function runInOtherProcess(path: string, sql: string): Promise<ChildProcess> {
  const script = `
    const db = new (require('libsql'))(process.argv[1])
    db.exec(process.argv[2])
    process.stdout.write('ok')
    process.stdin.resume().on('end', () => process.exit())`
  const child = spawn(process.execPath, ['-e', script, path, sql], { stdio: ['pipe', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', reject)
  })
  return child
}

test('an unusable data folder: the process prints the cause, exits with 1 and changes no file', async () => {
  const garbage = join(folder, 'garbage')
  mkdirSync(garbage)
  writeFileSync(join(garbage, 'qr-login.db'), Buffer.alloc(8_192, 0x5a))
  const foreign = join(folder, 'foreign')
  mkdirSync(foreign)
  ;(
    await runInOtherProcess(join(foreign, 'qr-login.db'), 'CREATE TABLE notes (a); INSERT INTO notes VALUES (1)')
  ).kill()
  const file = join(folder, 'file')
  writeFileSync(file, 'mine')
  const before = [join(garbage, 'qr-login.db'), join(foreign, 'qr-login.db'), file].map(digest)
  const [first, second, third] = await Promise.all(
    [garbage, foreign, file].map((DATA_DIR) => startFailing({ DATA_DIR })),
  )
  for (const each of [first, second, third]) {
    expect(each?.code).toBe(1)
    expect(each?.output).toContain('qr-login cannot start.')
    expect(each?.output).not.toContain('    at ')
  }
  expect(first?.output).toContain(`  ${join(garbage, 'qr-login.db')}  is not a SQLite database, or is damaged\n`)
  expect(second?.output).toContain('belongs to another application (it has the tables notes)')
  expect(third?.output).toContain(`  ${file}  is a file, not a folder\nName a folder in DATA_DIR.\n`)
  expect([join(garbage, 'qr-login.db'), join(foreign, 'qr-login.db'), file].map(digest)).toEqual(before)
})

test('a second process on a data folder names the first one and exits; a killed process leaves it free', async () => {
  const server = await Server.start()
  const second = await startFailing({ DATA_DIR: server.dataDir })
  expect(second.code).toBe(1)
  expect(second.output).toContain(`  ${server.dataDir}  in use: process ${server.pid} on `)
  expect((await fetch(`${server.origin}/api/health/ready`)).status).toBe(200)
  await server.end('SIGKILL')
  await server.start()
  await server.dispose()
})

test('while another process locks the database, writes get 503 within 700 ms and reads work; then it recovers', async () => {
  const server = await Server.start()
  const phone = new Agent(server.origin)
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const other = await runInOtherProcess(join(server.dataDir, 'qr-login.db'), 'BEGIN IMMEDIATE')
  const start = () => new Agent(server.origin).send('POST', '/api/qr', {})
  const lockedAt = performance.now()
  let slowest = 0
  while (performance.now() - lockedAt < 2_000) {
    const sentAt = performance.now()
    const live = fetch(`${server.origin}/api/health/live`).then(({ status }) => status)
    const responses = await Promise.all([start(), start(), phone.send('GET', '/api/phone/session'), live])
    slowest = Math.max(slowest, performance.now() - sentAt)
    expect(responses.map((each) => (typeof each === 'number' ? each : each.status))).toEqual([503, 503, 200, 200])
  }
  // Two writes that wait for the lock would take 800 ms.
  expect(slowest).toBeLessThan(700)
  expect((await fetch(`${server.origin}/api/health/ready`)).status).toBe(503)
  const ended = new Promise((resolve) => other.once('exit', resolve))
  other.kill('SIGKILL')
  await ended
  expect((await start()).status).toBe(201)
  await until(async () => (await fetch(`${server.origin}/api/health/ready`)).ok)
  expect(server.output).toContain('SQLITE_BUSY')
  await server.dispose()
})

test('database files that are deleted while open make the server unready, and are logged once', async () => {
  const server = await Server.start()
  const path = join(server.dataDir, 'qr-login.db')
  unlinkSync(path)
  const isReady = async () => (await fetch(`${server.origin}/api/health/ready`)).ok
  await until(async () => !(await isReady()))
  for (const startedAt = performance.now(); performance.now() < startedAt + 1_500; ) expect(await isReady()).toBe(false)
  expect(server.output.split(`"message":"${path} was deleted while it was open: restart"`)).toHaveLength(2)
  await server.dispose()
})

const canMount = mount(mkdtempSync(join(tmpdir(), 'qr-login-mount-')), 'size=64k', true)

/** Mounts a tmpfs. Returns whether that worked. `isProbe`: unmounts it again. */
function mount(at: string, options: string, isProbe = false): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'qr-login-test', at])
  if (isProbe && status === 0) spawnSync('umount', [at])
  return status === 0
}

test.describe('on a small disk', () => {
  test.skip(!canMount && !process.env.CI, 'mounting a tmpfs needs a privileged user')

  test('a full disk gets 503 with its cause in the log; with free space again no data is lost', async () => {
    const dataDir = join(folder, 'disk')
    mkdirSync(dataDir)
    expect(mount(dataDir, 'size=6m')).toBe(true)
    try {
      const server = await Server.start({ DATA_DIR: dataDir })
      const phone = new Agent(server.origin)
      await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
      const filler = join(dataDir, 'filler')
      // Writes until the disk is full.
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'])
      const started: { agent: Agent; id: string }[] = []
      const statuses = new Set<number>()
      for (let count = 0; count < 300 && !statuses.has(503); count += 1) {
        const agent = new Agent(server.origin)
        const { status, json } = await agent.send('POST', '/api/qr', {})
        statuses.add(status)
        if (status === 201) started.push({ agent, id: json.id })
      }
      expect(statuses.has(503)).toBe(true)
      expect(statuses.has(500)).toBe(false)
      expect((await phone.send('GET', '/api/phone/session')).status).toBe(200)
      // The remaining space may be enough for one more readiness check.
      await until(async () => (await fetch(`${server.origin}/api/health/ready`)).status === 503)
      expect(server.output).toContain('SQLITE_FULL')
      expect(server.output).not.toContain('cannot rollback')
      unlinkSync(filler)
      await until(async () => (await fetch(`${server.origin}/api/health/ready`)).ok)
      expect((await new Agent(server.origin).send('POST', '/api/qr', {})).status).toBe(201)
      for (const { agent, id } of started) expect((await agent.send('GET', `/api/qr/${id}`)).status).toBe(200)
      await server.dispose()
    } finally {
      spawnSync('umount', ['-l', dataDir])
    }
  })
})
