import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { App, ORIGIN } from '../../../test/support/app'
import type { AttemptView } from '../../core/attempt/views'
import type { Audit } from '../../core/audit'
import { writePeer } from '../../http/peer'
import { createPageGate } from './page-gate'

let app: App
let server: Server
let port: number
/** The requests that were passed to the framework. */
let passedOn: string[]
/** The clock of the page limit, in ms. */
let clock: number

beforeEach(() => boot())

async function boot(env: Record<string, string> = {}): Promise<void> {
  app = new App(env, Date.now)
  passedOn = []
  clock = 0
  const { trustedProxies, rateLimitScale: scale } = app.context.config
  const files = new Set(['/icon.svg', '/avatars/ada.svg'])
  const audit: Audit = (event) => app.context.audit(event)
  const pageGate = createPageGate({ audit, trustedProxies, scale, files, now: () => clock })
  server = createServer((message, response) => {
    writePeer(message.headers, message.socket.remoteAddress)
    if (app.qrLogin.nodeHandler(message, response) || pageGate(message, response)) return
    passedOn.push(`${message.method} ${message.url}`)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
}

function shutDown(): void {
  server.closeAllConnections()
  server.close()
  app.dispose()
}
afterEach(() => shutDown())

interface Received {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

function open(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const sent = { Origin: ORIGIN, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers }
    const message = request({ port, method, path, headers: sent }, resolve)
    message.on('error', reject)
    message.end(body)
  })
}

async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Received> {
  const response = await open(method, path, headers, body)
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

async function start(): Promise<{ attempt: AttemptView; cookie: string; path: string }> {
  const { text, headers } = await send('POST', '/api/qr', {}, '{}')
  const attempt = JSON.parse(text) as AttemptView
  return { attempt, cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '', path: `/api/qr/${attempt.id}` }
}

/** Opens a TCP connection, writes raw text, and records what it receives until it is closed. */
function write(text: string): { socket: Socket; received: () => string; ended: Promise<void> } {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  const ended = new Promise<void>((resolve) => {
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  return { socket, received: () => received, ended }
}

describe('a response', () => {
  test('has the status, the headers, the cookie and its length', async () => {
    const { status, headers, text } = await send('POST', '/api/qr', {}, '{}')
    expect(status).toBe(201)
    expect(headers['set-cookie']).toHaveLength(1)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['x-request-id']).toMatch(/^[\da-f-]{13}$/)
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
    expect(headers.location).toBe(`/api/qr/${JSON.parse(text).id}`)
  })

  test('has no body for HEAD and 304', async () => {
    const { path, cookie } = await start()
    const { headers } = await send('GET', path, { cookie })
    expect(await send('HEAD', path, { cookie })).toMatchObject({ status: 200, text: '' })
    const known = await send('GET', path, { cookie, 'If-None-Match': headers.etag ?? '' })
    expect(known).toMatchObject({ status: 304, text: '' })
  })

  test('depends on the query; under a foreign host name it is 404', async () => {
    const { path, cookie } = await start()
    const headers = { cookie, Host: 'upstream' }
    expect((await send('GET', `${path}?after=0&waitMs=0`, headers)).status).toBe(200)
    expect((await send('GET', `${path}?after=x`, headers)).status).toBe(400)
    expect((await send('GET', path, { cookie, Host: 'evil.example' })).status).toBe(404)
  })

  test('is a refusal if the handler refuses', async () => {
    expect((await send('PUT', '/api/qr')).headers.allow).toBe('POST')
    expect((await send('GET', '/api/qr/unknown')).status).toBe(404)
    expect((await send('POST', '/api/qr', { Origin: 'https://evil.example' }, '{}')).status).toBe(403)
    expect((await send('POST', '/api/qr', {}, '{')).status).toBe(400)
    expect((await send('POST', '/api/qr', { 'Content-Type': 'text/plain' }, 'x')).status).toBe(415)
  })
})

test('other spellings of paths and methods are passed to the framework', async () => {
  for (const path of ['/', '/api', '/api/qr/', '/api//qr', '/login', '/API/qr']) await send('GET', path)
  await send('PROPFIND', '/api/qr')
  expect(passedOn).toHaveLength(7)
})

test('pipelined streams and long polls end with their connection', async () => {
  const { path, cookie } = await start()
  const own = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n\r\n`
  const { path: other, cookie: second } = await start()
  const theirs = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\nCookie: ${second}\r\n\r\n`
  const poll = '?after=1&waitMs=25000'
  const { socket } = write(
    own(`${path}/events`) + own(`${path}${poll}`) + theirs(`${other}/events`) + theirs(other + poll),
  )
  await expect.poll(() => app.context.connections.size).toBe(4)
  socket.destroy()
  await expect.poll(() => app.context.connections.size).toBe(0)
  expect(app.context.attemptStreams.size).toBe(0)
})

test('an unknown API path is 404 without the framework; below /api/qr it counts as a refusal', async () => {
  const { status, headers } = await send('GET', '/api/nowhere')
  expect([status, headers['content-type']]).toEqual([404, 'application/problem+json'])
  await send('POST', '/api/qr/AAAAAAAAAAAAAAAA/nowhere/else')
  expect(app.context.refusals.size).toBe(1)
  expect(passedOn).toEqual([])
})

describe('pages', () => {
  beforeEach(async () => {
    shutDown()
    await boot({ RATE_LIMIT_SCALE: '0.05', TRUSTED_PROXIES: '127.0.0.1' })
  })

  const from = (address: string) => ({ 'X-Forwarded-For': address })
  /** Sends sequential requests from one address. Returns how often each status was received. */
  async function requestPages(
    count: number,
    address: string,
    path = '/login',
    method = 'GET',
  ): Promise<Record<number, number>> {
    const statuses: Record<number, number> = {}
    for (let index = 0; index < count; index += 1) {
      const { status } = await send(method, path, from(address))
      statuses[status] = (statuses[status] ?? 0) + 1
    }
    return statuses
  }

  test('beyond 240 a minute for one address are refused without the framework', async () => {
    expect(await requestPages(15, '203.0.113.7')).toEqual({ 200: 12, 429: 3 })
    expect(passedOn).toHaveLength(12)
    expect(await requestPages(1, '203.0.113.8')).toEqual({ 200: 1 })
    clock += 59_999
    expect(await requestPages(1, '203.0.113.7')).toEqual({ 429: 1 })
    clock += 1
    expect(await requestPages(1, '203.0.113.7')).toEqual({ 200: 1 })
  })

  test('that are refused get one line of text and Retry-After', async () => {
    const audit = vi.spyOn(app.context, 'audit')
    await requestPages(12, '203.0.113.7')
    clock += 1_500
    const { status, headers, text } = await send('GET', '/login', from('203.0.113.7'))
    expect([status, headers['content-type'], headers['retry-after']]).toEqual([429, 'text/plain; charset=utf-8', '59'])
    expect(headers['cache-control']).toBe('no-store')
    expect(text).toBe('Too many requests. Try again in 59 s.\n')
    const facts = {
      code: 'rate_limited',
      status: 429,
      route: 'page',
      limit: 'pages',
      requestId: headers['x-request-id'],
    }
    expect(audit.mock.calls).toEqual([[expect.objectContaining({ event: 'limited', ...facts })]])
    expect(await send('HEAD', '/login', from('203.0.113.7'))).toMatchObject({ status: 429, text: '' })
  })

  test('are all paths and methods except files and the API, unknown ones included', async () => {
    const paths = ['/', '/login?x', '/nowhere', '/icons/nowhere.png', '/icon.svg/', '/_next/data', '/api', '//login']
    for (const path of paths) expect(await requestPages(1, '203.0.113.7', path)).toEqual({ 200: 1 })
    for (const method of ['POST', 'OPTIONS', 'DELETE', 'PUT']) {
      expect(await requestPages(1, '203.0.113.7', '/icon.svg', method)).toEqual({ 200: 1 })
    }
    for (const path of paths) expect(await requestPages(1, '203.0.113.7', path)).toEqual({ 429: 1 })
    for (const path of ['/icon.svg?v=1', '/avatars/ada.svg', '/_next/static/chunks/x.js']) {
      expect(await requestPages(20, '203.0.113.7', path)).toEqual({ 200: 20 })
    }
    expect(await requestPages(20, '203.0.113.7', '/api/nowhere')).toEqual({ 404: 20 })
    expect(await requestPages(1, '203.0.113.7', '/api/qr/')).toEqual({ 429: 1 })
    expect(await requestPages(20, '203.0.113.7', '/api/health/live')).toEqual({ 200: 20 })
  })

  test('also count for the /56 and /48 of an IPv6 client', async () => {
    const hex = (index: number) => index.toString(16).padStart(2, '0')
    expect(await requestPages(13, '2001:db8:1:100::1')).toEqual({ 200: 12, 429: 1 })
    expect(await requestPages(1, '2001:db8:1:100::2')).toEqual({ 429: 1 })
    // The /56 allows 36 more, and the /48 another 144.
    for (let index = 1; index <= 3; index += 1)
      expect(await requestPages(12, `2001:db8:1:1${hex(index)}::1`)).toEqual({ 200: 12 })
    expect(await requestPages(1, '2001:db8:1:1ff::1')).toEqual({ 429: 1 })
    for (let index = 2; index <= 13; index += 1)
      expect(await requestPages(12, `2001:db8:1:${hex(index)}00::1`)).toEqual({ 200: 12 })
    expect(await requestPages(1, '2001:db8:1:ff00::1')).toEqual({ 429: 1 })
    expect(await requestPages(1, '2001:db8:2::1')).toEqual({ 200: 1 })
  })

  test('of a client that is still sending its body are refused, and the connection is closed', async () => {
    await requestPages(12, '127.0.0.1')
    const { received, ended } = write('POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nx')
    await ended
    expect(received()).toMatch(/^HTTP\/1.1 429 /)
  })
})

describe('a body', () => {
  const head = (more: string) =>
    `POST /api/qr HTTP/1.1\r\nHost: x\r\nOrigin: ${ORIGIN}\r\nContent-Type: application/json\r\n${more}\r\n`

  test('with a Content-Length over the limit gets 413 immediately, and the connection is closed', async () => {
    const { received, ended } = write(head('Content-Length: 60000000\r\n'))
    await ended
    expect(received()).toMatch(/^HTTP\/1.1 413 /)
  })

  test('that exceeds the limit gets 413 while it is sent', async () => {
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
    const { socket, received, ended } = write(head('Transfer-Encoding: chunked\r\n') + chunk + chunk)
    const more = setInterval(() => socket.write(chunk), 20)
    await ended
    clearInterval(more)
    expect(received()).toMatch(/^HTTP\/1.1 413 /)
  })

  test('that is refused but complete leaves the connection open', async () => {
    const body = 'x'.repeat(5_000)
    const { socket, received } = write(`${head(`Content-Length: ${body.length}\r\n`)}${body}`)
    await expect.poll(received).toMatch(/^HTTP\/1.1 413 /)
    socket.write('GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(received).toMatch(/HTTP\/1.1 200 /)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(socket.destroyed).toBe(false)
    socket.destroy()
  })

  test('that is aborted is a bad request, and no error is logged', async () => {
    const errors = vi.spyOn(app.context.log, 'error')
    const refused = vi.spyOn(app.context, 'audit')
    const { socket } = write(`${head('Content-Length: 2\r\n')}{`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    await expect.poll(() => refused.mock.calls.length).toBe(1)
    expect(refused.mock.calls[0]?.[0]).toMatchObject({ code: 'bad_request' })
    expect(errors).not.toHaveBeenCalled()
  })

  test('that arrives in small chunks is read completely', async () => {
    const { socket, received } = write(`${head('Content-Length: 2\r\n')}{`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.write('}')
    await expect.poll(received).toMatch(/^HTTP\/1.1 201 /)
    socket.destroy()
  })
})

describe('a stream', () => {
  test('sends the state immediately, and is released when the client disconnects', async () => {
    const { path, cookie } = await start()
    const response = await open('GET', `${path}/events`, { cookie })
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(response.headers['x-accel-buffering']).toBe('no')
    const [first] = (await response[Symbol.asyncIterator]().next()).value.toString().split('\n')
    expect(first).toBe('event: attempt')
    expect(app.context.connections.size).toBe(1)
    response.destroy()
    await expect.poll(() => app.context.connections.size).toBe(0)
    expect(app.context.attemptStreams.size).toBe(0)
  })

  test('of an ended attempt sends one frame and ends', async () => {
    const { path, cookie } = await start()
    await send('DELETE', path, { cookie })
    const { text } = await send('GET', `${path}/events`, { cookie })
    expect(text).toContain('"cancelled"')
    expect(app.context.connections.size).toBe(0)
  })

  test('is refused before it opens', async () => {
    const { path } = await start()
    const { status, headers } = await send('GET', `${path}/events`)
    expect([status, headers['content-type']]).toEqual([404, 'application/problem+json'])
    expect(app.context.connections.size).toBe(0)
  })

  test('is released if the client disconnected before it opened', async () => {
    const { path, cookie } = await start()
    const watch = app.context.attemptStreams.open.bind(app.context.attemptStreams)
    let isOpening = false
    let continueOpening = () => {}
    // A slow store: the client disconnects before it has responded.
    app.context.attemptStreams.open = async (...args) => {
      isOpening = true
      await new Promise<void>((resolve) => {
        continueOpening = resolve
      })
      return await watch(...args)
    }
    const { socket, ended } = write(`GET ${path}/events HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n\r\n`)
    await expect.poll(() => isOpening).toBe(true)
    socket.destroy()
    await ended
    await new Promise((resolve) => setTimeout(resolve, 50))
    continueOpening()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([app.context.connections.size, app.context.attemptStreams.size]).toEqual([0, 0])
  })

  test('that is drained sends `bye` and ends', async () => {
    const { path, cookie } = await start()
    const sent = send('GET', `${path}/events`, { cookie })
    await expect.poll(() => app.context.connections.size).toBe(1)
    app.qrLogin.drain()
    expect((await sent).text).toContain('event: bye')
  })
})

test('a long poll is released when the client disconnects', async () => {
  const { path, cookie } = await start()
  const { socket } = write(`GET ${path}?after=1&waitMs=25000 HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n\r\n`)
  await expect.poll(() => app.context.connections.size).toBe(1)
  socket.destroy()
  await expect.poll(() => app.context.connections.size).toBe(0)
})
