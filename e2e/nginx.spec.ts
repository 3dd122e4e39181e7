import { devices } from '@playwright/test'
import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { ask, cookieOf, isUp } from './support/http2'
import { hasNginx, Nginx } from './support/nginx'
import { freePort, Server } from './support/server'
import { Computer, expect, Phone, test, until, watchedPage } from './support/test'

/**
 * The sample deployment: nginx by HTTP/2, round robin over three instances, one Redis, and browsers
 * that know nothing of it.
 */

test.describe.configure({ mode: 'serial' })
test.skip(!hasNginx() || !hasRedisServer(), 'there is no nginx or no redis-server on this machine')

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
  // On one machine clients have the proxy's address: here it has one of its own.
  const more = 'proxy_bind 127.0.0.2;'
  nginx = Nginx.start({ port, instances: servers.map((server) => server.port), more })
  await until(() => isUp(origin))
})

test.afterAll(async () => {
  await nginx.stop()
  for (const server of servers) await server.dispose()
  await redis.dispose()
})

test('a person signs in by HTTP/2, whichever instance answers', async ({ browser }) => {
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

/** An attempt by hand: its path and the cookie that it belongs to. */
async function start(): Promise<{ path: string; cookie: string }> {
  const headers = { ':method': 'POST', 'sec-fetch-site': 'same-origin' }
  const answer = await ask(origin, '/api/qr', headers)
  return { path: `/api/qr/${JSON.parse(answer.text).id}`, cookie: cookieOf(answer) }
}

test('a stream delivers at once, though nginx buffers by default', async () => {
  const { path, cookie } = await start()
  const { status, text, headers } = await ask(origin, `${path}/events`, { cookie }, 700)
  expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect(text).toContain('event: attempt')
})

test('an address that a client writes in front of nginx is not believed', async () => {
  const send = async (forwarded: string) => {
    const headers = { ':method': 'POST', 'sec-fetch-site': 'same-origin', 'x-forwarded-for': forwarded }
    await ask(origin, '/api/qr', {
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

/** A whole sign-in by hand; the statuses of its answers. */
async function signIn(): Promise<number[]> {
  const send = (path: string, body: object, cookie: string) =>
    ask(origin, path, { ':method': 'POST', 'content-type': 'application/json', ...site, cookie }, undefined, body)
  const site = { 'sec-fetch-site': 'same-origin' }
  const phone = await send('/api/phone/session', { username: 'yuki', password: 'demo' }, '')
  const phoneCookie = cookieOf(phone)
  const started = await send('/api/qr', {}, '')
  const cookie = cookieOf(started)
  const { id, code } = JSON.parse(started.text)
  const scanned = await send('/api/qr/scan', { code: code.url.split('#')[1] }, phoneCookie)
  const { claim } = JSON.parse(scanned.text)
  const confirmed = await send('/api/qr/confirm', { claim }, phoneCookie)
  const asked = await ask(origin, `/api/qr/${id}`, { cookie })
  const redeemed = await send(`/api/qr/${id}/redeem`, { ticket: JSON.parse(asked.text).ticket }, cookie)
  return [phone, started, scanned, confirmed, asked, redeemed].map(({ status }) => status)
}

test('instances that are replaced in the middle of the day are not noticed', async () => {
  let isOver = false
  const answers: string[] = []
  const traffic = [1, 2, 3].map(async () => {
    while (!isOver) answers.push((await signIn()).join(' '))
  })
  for (const server of servers.slice(0, 2)) {
    await server.end('SIGTERM')
    await server.start()
    // Until nginx, which had found it gone, asks it again.
    const before = server.output.length
    await until(() => server.output.length > before)
  }
  isOver = true
  await Promise.all(traffic)
  expect(answers.length).toBeGreaterThan(20)
  expect(new Set(answers)).toEqual(new Set(['200 201 200 200 200 200']))
})

test('behind an nginx that holds streams back, the page falls to the long poll and signs in all the same', async ({
  browser,
}) => {
  const port = await freePort()
  const held = `https://localhost:${port}`
  const settings = { PUBLIC_ORIGIN: held, TRUSTED_PROXIES: '127.0.0.2' }
  const server = new Server(await freePort(), settings)
  await server.start()
  // As it comes, HTTP/1.0 upstream, and deaf to what a stream asks for.
  const more = 'proxy_bind 127.0.0.2; proxy_ignore_headers X-Accel-Buffering;'
  const without = ['proxy_http_version', 'proxy_set_header Connection']
  const holding = Nginx.start({ port, instances: [server.port], more, without })
  await until(() => isUp(held))
  const desk = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true })
  const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
  const hand = await browser.newContext({ ...iphone, ignoreHTTPSErrors: true })
  const computer = new Computer(await watchedPage(desk), { origin: held })
  const phone = new Phone(await watchedPage(hand), { origin: held })
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
  await holding.stop()
  await server.dispose()
})
