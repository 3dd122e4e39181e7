import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, request as sendRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Store } from '../core/store'
import { createLog, createQrLogin, loadConfig, type QrLogin, type QrLoginOptions, SqliteStore } from '../index'
import { NO_SOURCES } from './account-sources'

/** What a server that embeds qr-login relies on. */

const ORIGIN = 'https://login.example.com'
const START = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json', Origin: ORIGIN } }

let folder: string
let qrLogin: QrLogin
const endings: (() => void)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-embedded-'))
})
afterEach(async () => {
  vi.useRealTimers()
  for (const end of endings.splice(0)) end()
  await qrLogin.close()
  rmSync(folder, { recursive: true })
})

const configOf = (env: Record<string, string> = {}) =>
  loadConfig({
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: ORIGIN,
    SESSION_SECRET: 'a secret for tests that is long enough',
    DATA_DIR: folder,
    DEMO_ACCOUNTS: 'true',
    LOG_LEVEL: 'silent',
    ...env,
  })

function open(options: Partial<QrLoginOptions> = {}, env: Record<string, string> = {}): QrLogin {
  qrLogin = createQrLogin({ config: configOf(env), activeMs: () => 0, ...options })
  return qrLogin
}

const start = (init: RequestInit = START) => qrLogin.handle(new Request(`${ORIGIN}/api/qr`, init))

/** The embedded store with some operations replaced. */
function storeWith(changes: Partial<Store>): Store {
  const store = new SqliteStore(folder, () => {})
  endings.push(() => store.close())
  const bound = Object.getOwnPropertyNames(SqliteStore.prototype)
    .filter((name) => name !== 'constructor' && name !== 'watching')
    .map((name) => [name, (store[name as keyof Store] as () => unknown).bind(store)])
  return Object.assign({ watching: 0 }, Object.fromEntries(bound), changes) as unknown as Store
}

/** A server of the host, which calls `nodeHandler` as one of its handlers. */
async function listen(before: RequestListener = () => {}): Promise<number> {
  const server = createServer((request, response) => {
    before(request, response)
    if (!qrLogin.nodeHandler(request, response)) response.writeHead(418).end()
  })
  endings.push(() => server.close().closeAllConnections())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function send(port: number, path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = sendRequest({ port, host: '127.0.0.1', path, headers }, (response) => resolve(response.resume()))
    sent.on('error', reject)
    sent.end()
  })
}

test('after close every request gets 503, also one that is still being received', async () => {
  open()
  let finish = () => {}
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{'))
      finish = () => {
        controller.enqueue(new TextEncoder().encode('}'))
        controller.close()
      }
    },
  })
  const slow = start({ ...START, body, duplex: 'half' } as RequestInit)
  await qrLogin.close()
  finish()
  expect([(await slow).status, (await start()).status]).toEqual([503, 503])
})

test('under a foreign host name every path but the probes is 404', async () => {
  open()
  const port = await listen()
  for (const host of ['evil.example', 'login.example.com.evil.example:8080']) {
    expect((await send(port, '/api/session', { host })).statusCode).toBe(404)
    expect((await send(port, '/api/health/live', { host })).statusCode).toBe(200)
    const given = new Request(`https://${host}/api/session`)
    expect((await qrLogin.handle(given)).status).toBe(404)
  }
  for (const host of ['login.example.com', '127.0.0.1', 'upstream']) {
    expect((await send(port, '/api/session', { host })).statusCode).toBe(200)
  }
})

test('headers and cookies that the host has set stay, and every header of ours is set', async () => {
  open()
  const port = await listen((_, response) => {
    response.setHeader('Content-Security-Policy', "default-src 'none'")
    response.setHeader('Set-Cookie', 'host_session=1')
  })
  const { headers } = await new Promise<IncomingMessage>((resolve) => {
    const options = { port, host: '127.0.0.1', path: '/api/qr', ...START, headers: { ...START.headers, host: 'x' } }
    const sent = sendRequest(options, (response) => resolve(response.resume()))
    sent.end('{}')
  })
  expect(headers['set-cookie']).toEqual(['host_session=1', expect.stringContaining('__Host-qr_browser=')])
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' })
})

test.each(['*:99999/api/x', '*%/api/x', '*[/api/x', '*'])('the target %s is left to the host', async (target) => {
  open()
  const port = await listen()
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`))
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes.toString())
      socket.destroy()
    })
  })
  expect(answer).toMatch(/^HTTP\/1.1 418/)
})

test('a given store is swept until the server is closed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] })
  let sweeps = 0
  const sweep = () => {
    sweeps += 1
    return 500
  }
  open({ store: storeWith({ sweep }) })
  await vi.advanceTimersByTimeAsync(30_000)
  const before = sweeps
  expect(before).toBeGreaterThan(0)
  await qrLogin.close()
  await vi.advanceTimersByTimeAsync(90_000)
  expect(sweeps).toBe(before)
})

test('a given store that does not answer is a 503 within 1 s; its own failures are 503', async () => {
  class Away extends Error {}
  let insert: () => Promise<void> = () => new Promise(() => {})
  open({
    store: storeWith({ insertAttempt: () => insert() }),
    isStoreFailure: (error) => error instanceof Away,
  })
  const startedAt = performance.now()
  expect((await start()).status).toBe(503)
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  insert = () => Promise.reject(new Away())
  expect((await start()).status).toBe(503)
  insert = () => Promise.reject(new Error())
  expect((await start()).status).toBe(500)
})

test('a lost lock of the data folder drains the server, and does not end the process', async () => {
  open()
  rmSync(join(folder, 'qr-login.lock'))
  await expect.poll(() => qrLogin.context.checkReady()).toBe('shutdown')
})

test('a lost lock of the data folder is reported to the host', async () => {
  let isLost = false
  open({
    onLockLost: () => {
      isLost = true
    },
  })
  rmSync(join(folder, 'qr-login.lock'))
  await expect.poll(() => isLost).toBe(true)
})

test.each([
  [{ DEMO_ACCOUNTS: 'false' }, 1],
  [{ DEMO_ACCOUNTS: 'true' }, 0],
])('with %o there is %i warning that no account source is set up', async (env, warnings) => {
  const lines: string[] = []
  const log = createLog('silent')
  log.warn = ((text: string) => lines.push(text)) as typeof log.warn
  open({ log }, env)
  expect(lines.filter((line) => line === NO_SOURCES)).toHaveLength(warnings)
})
