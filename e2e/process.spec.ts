import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from './support/agent'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

const STREAMS = 2_000

/** Opened at once: browsers do not come all in the same millisecond either. */
const OPENED_AT_ONCE = 100

interface Run {
  output: () => string
  /** Resolves with the exit code. */
  ended: Promise<number | null>
  kill: (signal: NodeJS.Signals) => void
}

/** Runs a command of the README as somebody would who has set nothing but `env`. */
function run(command: string, args: string[], env: Record<string, string>): Run {
  const base = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', NEXT_TELEMETRY_DISABLED: '1' }
  const child = spawn(command, args, { env: { ...base, ...env } as unknown as NodeJS.ProcessEnv })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { output: () => output, ended, kill: (signal) => child.kill(signal) }
}

test('with streams and a long poll open, SIGTERM says goodbye to each and ends the process within 10 s', async () => {
  const server = await Server.start()
  const opened = await openStreams(server)
  const texts = opened.map((response) => response.text())
  const waiting = new Agent(server.origin)
  const { json: attempt } = await waiting.send('POST', '/api/qr', {})
  const longPoll = waiting.send('GET', `/api/qr/${attempt.id}?after=1&waitMs=25000`)
  const { ms, code } = await server.end('SIGTERM')
  expect(ms).toBeLessThan(10_000)
  expect(code).toBe(143)
  expect((await longPoll).status).toBe(204)
  const goodbyes = (await Promise.all(texts)).map((text) => /event: bye\ndata: \{"retryMs":(\d+)\}/.exec(text)?.[1])
  expect(goodbyes).not.toContain(undefined)
  expect(new Set(goodbyes).size).toBeGreaterThan(STREAMS / 4)
  await server.dispose()
})

test('told to end, it stops being ready first, and serves on until that was to be heard', async () => {
  const server = await Server.start()
  const ask = (path: string) => fetch(server.origin + path, { headers: { Connection: 'close' } })
  const ended = server.end('SIGTERM')
  await until(async () => (await ask('/api/health/ready')).status === 503)
  expect(await (await ask('/api/health/ready')).json()).toEqual({ status: 'unready', failing: ['shutdown'] })
  expect((await ask('/api/health/live')).status).toBe(200)
  const agent = new Agent(server.origin)
  expect((await agent.send('POST', '/api/qr', {})).status).toBe(201)
  expect((await ended).code).toBe(143)
  await server.dispose()
})

test('killed with streams open, it is back within 15 s with all that was stored', async () => {
  const server = await Server.start()
  const [computer, phone] = [new Agent(server.origin), new Agent(server.origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  const opened = await openStreams(server)
  const ends = opened.map((response) => response.text().catch(() => ''))
  const killedAt = performance.now()
  await server.end('SIGKILL')
  await Promise.all(ends)
  await server.start()
  expect(performance.now() - killedAt).toBeLessThan(15_000)
  expect((await phone.send('POST', '/api/qr/confirm', { claim: review.claim })).status).toBe(200)
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  await server.dispose()
})

/** Streams of as many browsers, each on an attempt of its own. */
async function openStreams(server: Server): Promise<Response[]> {
  const opened: Response[] = []
  while (opened.length < STREAMS) {
    const some = Array.from({ length: OPENED_AT_ONCE }, async () => {
      const agent = new Agent(server.origin)
      const { json } = await agent.send('POST', '/api/qr', {})
      return await agent.open('GET', `/api/qr/${json.id}/events`)
    })
    opened.push(...(await Promise.all(some)))
  }
  return opened
}

test('npm start passes the signal on, and leaves no process behind', async () => {
  const port = String(await freePort())
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-start-'))
  const settings = { PUBLIC_ORIGIN: `http://localhost:${port}`, SESSION_SECRET: 'x'.repeat(40), DATA_DIR: dataDir }
  const started = run('npm', ['start'], { ...settings, PORT: port })
  const isUp = () =>
    fetch(`http://localhost:${port}/api/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(isUp)
  started.kill('SIGTERM')
  await started.ended
  await until(async () => !(await isUp()))
  rmSync(dataDir, { recursive: true })
})

test('wrong settings end the process with a table, not a server that answers 500', async () => {
  const started = run(process.execPath, ['scripts/start.mjs'], {
    PORT: String(await freePort()),
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: 'https://login.example.com/path',
    MATCH_POLICY: 'sometimes',
  })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^ {2}PUBLIC_ORIGIN +expected: an origin/m)
  expect(started.output()).toMatch(/^ {2}MATCH_POLICY +expected: risk, always or never/m)
  expect(started.output()).toMatch(/^ {2}SESSION_SECRET +required in production/m)
})

test('so does a database of places that is none', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-places-'))
  const settings = {
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: 'https://login.example.com',
    SESSION_SECRET: 'x'.repeat(40),
  }
  const started = run(process.execPath, ['scripts/start.mjs'], {
    ...settings,
    PORT: String(await freePort()),
    DATA_DIR: dataDir,
    GEOIP_DB: 'package.json',
  })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^ {2}GEOIP_DB +expected: the path of a readable MMDB file/m)
  rmSync(dataDir, { recursive: true })
})

const START = {
  ours: ['scripts/start.mjs'],
  next: ['node_modules/next/dist/bin/next', 'start'],
}

for (const kind of ['ours', 'next'] as const) {
  test(`a mode that is not named as a local one is production, which needs its settings: ${kind}`, async () => {
    for (const mode of ['staging', 'Production', 'dev']) {
      const started = run(process.execPath, START[kind], { PORT: String(await freePort()), NODE_ENV: mode })
      expect(await started.ended).toBe(1)
      for (const name of ['PUBLIC_ORIGIN', 'SESSION_SECRET']) {
        expect(started.output()).toMatch(new RegExp(`^ {2}${name} +required in production`, 'm'))
      }
    }
  })

  test(`and has neither demo accounts nor the gallery: ${kind}`, async () => {
    const server = new Server(await freePort(), { NODE_ENV: 'staging', DEMO_ACCOUNTS: '' }, { server: kind })
    await server.start()
    const phone = new Agent(server.origin)
    const { status, json } = await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
    expect([status, json.code]).toEqual([401, 'credentials_wrong'])
    expect((await fetch(`${server.origin}/dev/states`)).status).toBe(404)
    expect((await fetch(`${server.origin}/login`)).status).toBe(200)
    expect(await (await fetch(`${server.origin}/phone`)).text()).not.toContain('demo-account')
    await server.dispose()
  })
}

test('in the demo the page on localhost and the phone at the network address both pass the origin check', async () => {
  const port = String(await freePort())
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-demo-'))
  const demo = run(process.execPath, ['scripts/start.mjs'], {
    NODE_ENV: 'production',
    DEMO: 'true',
    DATA_DIR: dataDir,
    PORT: port,
  })
  const isUp = () =>
    fetch(`http://localhost:${port}/api/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(isUp)
  const lan = /On your phone +(http:\/\/\S+)\/phone/.exec(demo.output())?.[1] ?? ''
  expect(lan).toMatch(new RegExp(`^http://[^/]+:${port}$`))
  const post = (origin: string) =>
    fetch(`http://localhost:${port}/api/qr`, { method: 'POST', headers: { Origin: origin, Cookie: 'a=b' } })
  for (const origin of [lan, `http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
    const response = await post(origin)
    expect([origin, response.status]).toEqual([origin, 201])
    const attempt = (await response.json()) as { code: { url: string } }
    expect(attempt.code.url.startsWith(`${lan}/q#`)).toBe(true)
  }
  expect((await post('http://evil.example')).status).toBe(403)
  demo.kill('SIGTERM')
  await demo.ended
  rmSync(dataDir, { recursive: true })
})

test('outside of the demo only the public origin passes', async ({ server }) => {
  const post = (origin: string) =>
    fetch(`${server.origin}/api/qr`, { method: 'POST', headers: { Origin: origin, Cookie: 'a=b' } })
  expect((await post(server.origin)).status).toBe(201)
  expect((await post(`http://127.0.0.1:${server.port}`)).status).toBe(403)
})

test('requests that no route can make sense of get a clear answer, never a 5xx', async ({ server }) => {
  const ask = (method: string, path: string) =>
    new Promise<[number | undefined, string | undefined, unknown]>((resolve, reject) => {
      const asked = request({ port: server.port, method, path }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () =>
          resolve([response.statusCode, response.headers.allow, /"code":"(\w+)"/.exec(text)?.[1]]),
        )
      })
      asked.on('error', reject)
      asked.end()
    })
  for (const method of ['TRACE', 'PROPFIND', 'OPTIONS']) {
    expect(await ask(method, '/api/qr')).toEqual([405, 'POST', 'method_not_allowed'])
    expect(await ask(method, '/api/session')).toEqual([405, 'GET, HEAD, DELETE', 'method_not_allowed'])
  }
  for (const path of ['/api/qr/%E0%A4%A', '/api/qr/%', '/api/nowhere', '/api/qr/a/b/c', '/api/qr/%00']) {
    expect([path, ...(await ask('GET', path))]).toEqual([path, 404, undefined, 'not_found'])
  }
  for (const path of ['/%E0%A4%A', '/login/%', '/nowhere']) {
    expect([path, (await ask('GET', path))[0]]).toEqual([path, 404])
  }
  for (const path of ['/login?next=%', '/q?%E0%A4%A', '/api/session?%']) {
    expect([path, (await ask('GET', path))[0]]).toEqual([path, 200])
  }
})

test('a client that offers another protocol is answered in the one in which it asked', async ({ server }) => {
  const ask = (path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
      const asked = request({ port: server.port, path, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.on('error', reject)
      asked.end()
    })
  // Twice: the first page is what tells the framework of the server.
  for (const path of ['/login', '/login', '/api/session']) expect([path, await ask(path)]).toEqual([path, 200])
})

test('a client cannot choose its address', async ({ server }) => {
  const send = async (headers: Record<string, string>) => {
    const phone = new Agent(server.origin)
    await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
    const response = await fetch(`${server.origin}/api/qr`, { method: 'POST', headers })
    const attempt = (await response.json()) as { code: { url: string } }
    return (await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })).json.computer
      .sameNetwork
  }
  expect(await send({})).toBe(true)
  expect(await send({ 'X-Qr-Login-Peer': '198.51.100.1' })).toBe(true)
  // A peer that forwards for others hides their networks.
  expect(await send({ 'X-Forwarded-For': '198.51.100.1' })).toBe(false)
})
