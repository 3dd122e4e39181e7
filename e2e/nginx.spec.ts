import { devices } from '@playwright/test'
import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { cookieOf, isUp, request } from './support/http2'
import { hasNginx, Nginx } from './support/nginx'
import { freePort, Server } from './support/server'
import { Computer, expect, Phone, test, until, watchedPage } from './support/test'

/** The sample deployment: nginx with HTTP/2, round robin over three instances, and one Redis. */

test.describe.configure({ mode: 'serial' })
test.skip(!hasNginx() || !hasRedisServer(), 'nginx or redis-server is not available')

const SECRET = 'the secret that all instances share'

let redis: RedisServer
let servers: Server[] = []
let nginx: Nginx
let origin: string

test.beforeAll(async () => {
  redis = await RedisServer.start()
  const port = await freePort()
  origin = `https://localhost:${port}`
  const settings = {
    REDIS_URL: redis.url,
    SESSION_SECRET: SECRET,
    PUBLIC_ORIGIN: origin,
    TRUSTED_PROXIES: '127.0.0.2',
  }
  servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const server = new Server(await freePort(), settings)
      await server.start()
      return server
    }),
  )
  // Clients and proxy are on one machine, so the proxy gets an address of its own.
  const more = 'proxy_bind 127.0.0.2;'
  nginx = Nginx.start({ port, instances: servers.map((server) => server.port), more })
  await until(() => isUp(origin))
})

test.afterAll(async () => {
  await nginx.stop()
  for (const server of servers) await server.dispose()
  await redis.dispose()
})

test('a sign-in works over HTTP/2 on any instance', async ({ browser }) => {
  const desk = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true })
  const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
  const hand = await browser.newContext({ ...iphone, ignoreHTTPSErrors: true })
  const computer = new Computer(await watchedPage(desk), { origin })
  const phone = new Phone(await watchedPage(hand), { origin })
  await phone.signIn('lin')
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Lin Xia')
  const names = (await desk.cookies()).map(({ name, secure }) => [name, secure])
  expect(names).toEqual(expect.arrayContaining([['__Host-qr_session', true]]))
  const protocol = await computer.page.evaluate(
    () => (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming).nextHopProtocol,
  )
  expect(protocol).toBe('h2')
  await desk.close()
  await hand.close()
})

/** Starts an attempt without a browser. Returns its path and the browser-secret cookie. */
async function start(): Promise<{ path: string; cookie: string }> {
  const headers = { ':method': 'POST', 'sec-fetch-site': 'same-origin' }
  const response = await request(origin, '/api/qr', headers)
  return { path: `/api/qr/${JSON.parse(response.text).id}`, cookie: cookieOf(response) }
}

test('a stream is not buffered by nginx: its first event arrives within 700 ms', async () => {
  const { path, cookie } = await start()
  const { status, text, headers } = await request(origin, `${path}/events`, { cookie }, 700)
  expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect(text).toContain('event: attempt')
})

test('a client cannot set its address in X-Forwarded-For', async () => {
  const send = async (forwarded: string) => {
    const headers = { ':method': 'POST', 'sec-fetch-site': 'same-origin', 'x-forwarded-for': forwarded }
    await request(origin, '/api/qr', {
      ...headers,
      cookie: 'a=b',
      origin: 'https://evil.example',
      'sec-fetch-site': 'none',
    })
  }
  await send('198.51.100.1')
  await send('198.51.100.2')
  const addresses = () =>
    servers.flatMap(({ output }) =>
      [...output.matchAll(/"code":"cross_site".*?"address":"(\w+)"/g)].map(([, at]) => at),
    )
  await until(() => addresses().length >= 2)
  expect(new Set(addresses()).size).toBe(1)
})

/** A complete sign-in without a browser. Returns the statuses of its responses. */
async function signIn(): Promise<number[]> {
  const send = (path: string, body: object, cookie: string) =>
    request(origin, path, { ':method': 'POST', 'content-type': 'application/json', ...site, cookie }, undefined, body)
  const site = { 'sec-fetch-site': 'same-origin' }
  const phone = await send('/api/phone/session', { username: 'yuki', password: 'demo' }, '')
  const phoneCookie = cookieOf(phone)
  const started = await send('/api/qr', {}, '')
  const cookie = cookieOf(started)
  const { id, code } = JSON.parse(started.text)
  const scanned = await send('/api/qr/scan', { code: code.url.split('#')[1] }, phoneCookie)
  const { claim } = JSON.parse(scanned.text)
  const confirmed = await send('/api/qr/confirm', { claim }, phoneCookie)
  const read = await request(origin, `/api/qr/${id}`, { cookie })
  const redeemed = await send(`/api/qr/${id}/redeem`, { ticket: JSON.parse(read.text).ticket }, cookie)
  return [phone, started, scanned, confirmed, read, redeemed].map(({ status }) => status)
}

test('replacing instances under traffic fails no sign-in', async () => {
  let isOver = false
  const results: string[] = []
  const traffic = [1, 2, 3].map(async () => {
    while (!isOver) results.push((await signIn()).join(' '))
  })
  for (const server of servers.slice(0, 2)) {
    await server.end('SIGTERM')
    await server.start()
    // nginx has marked the instance as failed. Wait until it sends requests to it again.
    const before = server.output.length
    await until(() => server.output.length > before)
  }
  isOver = true
  await Promise.all(traffic)
  expect(results.length).toBeGreaterThan(20)
  expect(new Set(results)).toEqual(new Set(['200 201 200 200 200 200']))
})

test('behind an nginx that buffers streams, the page falls back to long polling and signs in', async ({ browser }) => {
  const port = await freePort()
  const bufferedOrigin = `https://localhost:${port}`
  const settings = { PUBLIC_ORIGIN: bufferedOrigin, TRUSTED_PROXIES: '127.0.0.2' }
  const server = new Server(await freePort(), settings)
  await server.start()
  // The defaults of nginx: HTTP/1.0 upstream, and buffering although the stream forbids it.
  const more = 'proxy_bind 127.0.0.2; proxy_ignore_headers X-Accel-Buffering;'
  const without = ['proxy_http_version', 'proxy_set_header Connection']
  const buffering = Nginx.start({ port, instances: [server.port], more, without })
  await until(() => isUp(bufferedOrigin))
  const desk = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true })
  const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
  const hand = await browser.newContext({ ...iphone, ignoreHTTPSErrors: true })
  const computer = new Computer(await watchedPage(desk), { origin: bufferedOrigin })
  const phone = new Phone(await watchedPage(hand), { origin: bufferedOrigin })
  await phone.signIn('sam')
  const longPoll = computer.page.waitForRequest(/\?after=1&waitMs=\d+$/, { timeout: 15_000 })
  await computer.openLogin()
  const link = await computer.readCode()
  await longPoll
  await phone.open(link)
  await phone.answer('approve')
  await computer.expectSignedIn('Sam Okoro')
  await desk.close()
  await hand.close()
  await buffering.stop()
  await server.dispose()
})
