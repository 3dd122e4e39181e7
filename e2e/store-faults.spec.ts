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

/** Starts a process that is to fail: how it ended (null: not within 20 s), and what it printed. */
async function startInVain(settings: Settings): Promise<{ code: number | null; output: string }> {
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

/**
 * Runs SQL on a database in a process of its own, which keeps it open. Resolves when it has run.
 */
async function runForeign(path: string, sql: string): Promise<ChildProcess> {
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

test('what cannot be a data folder ends the start with a table, and is left as it is', async () => {
  const garbage = join(folder, 'garbage')
  mkdirSync(garbage)
  writeFileSync(join(garbage, 'qr-login.db'), Buffer.alloc(8_192, 0x5a))
  const foreign = join(folder, 'foreign')
  mkdirSync(foreign)
  ;(await runForeign(join(foreign, 'qr-login.db'), 'CREATE TABLE notes (a); INSERT INTO notes VALUES (1)')).kill()
  const file = join(folder, 'file')
  writeFileSync(file, 'mine')
  const before = [join(garbage, 'qr-login.db'), join(foreign, 'qr-login.db'), file].map(digest)
  const [first, second, third] = await Promise.all(
    [garbage, foreign, file].map((DATA_DIR) => startInVain({ DATA_DIR })),
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

test('a second process on one data folder says who has it and ends, and a killed one leaves it free', async () => {
  const server = await Server.start()
  const second = await startInVain({ DATA_DIR: server.dataDir })
  expect(second.code).toBe(1)
  expect(second.output).toContain(`  ${server.dataDir}  in use: process ${server.pid} on `)
  expect((await fetch(`${server.origin}/api/health/ready`)).status).toBe(200)
  await server.end('SIGKILL')
  await server.start()
  await server.dispose()
})

test('while another process has locked the database, writes are 503 at once, reads go on, and then all is well', async () => {
  const server = await Server.start()
  const phone = new Agent(server.origin)
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const other = await runForeign(join(server.dataDir, 'qr-login.db'), 'BEGIN IMMEDIATE')
  const start = () => new Agent(server.origin).send('POST', '/api/qr', {})
  const lockedAt = performance.now()
  let slowest = 0
  while (performance.now() - lockedAt < 2_000) {
    const askedAt = performance.now()
    const live = fetch(`${server.origin}/api/health/live`).then(({ status }) => status)
    const answers = await Promise.all([start(), start(), phone.send('GET', '/api/phone/session'), live])
    slowest = Math.max(slowest, performance.now() - askedAt)
    expect(answers.map((each) => (typeof each === 'number' ? each : each.status))).toEqual([503, 503, 200, 200])
  }
  // Two writes that waited for the lock took 800 ms.
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

test('files that are deleted while they are open make it unready, and are logged once as what they are', async () => {
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

/** Mounts a file system in memory. `undo`: only whether that is possible. */
function mount(at: string, options: string, undo = false): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'qr-login-test', at])
  if (undo && status === 0) spawnSync('umount', [at])
  return status === 0
}

test.describe('on a small disk', () => {
  test.skip(!canMount && !process.env.CI, 'no tmpfs can be mounted here: that takes a privileged user')

  test('a full one gives 503 and its cause in the log, and with room again nothing is lost', async () => {
    const dataDir = join(folder, 'disk')
    mkdirSync(dataDir)
    expect(mount(dataDir, 'size=6m')).toBe(true)
    try {
      const server = await Server.start({ DATA_DIR: dataDir })
      const phone = new Agent(server.origin)
      await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
      const filler = join(dataDir, 'filler')
      // Writing ends where the disk does.
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
      // What is left of the disk may be enough for one ping more.
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
