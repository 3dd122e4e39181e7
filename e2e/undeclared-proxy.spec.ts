import { Agent } from './support/agent'
import { cookieOf, type Http2Response, isUp, request } from './support/http2'
import { hasNginx, Nginx, type NginxOptions } from './support/nginx'
import { freePort, Server, type Settings } from './support/server'
import { expect, test, until } from './support/test'

/** An instance with a public origin behind the real nginx of the sample deployment. */

test.skip(!hasNginx(), 'nginx is not available')

/** Clients and proxy are on one machine, so the proxy gets an address of its own. */
const PROXY = '127.0.0.2'

interface Deployment {
  server: Server
  origin: string
  stop: () => Promise<void>
}

async function deploy(settings: Settings, nginxOptions: Partial<NginxOptions> = {}): Promise<Deployment> {
  const port = await freePort()
  const server = new Server(await freePort(), { PUBLIC_ORIGIN: 'https://login.example.com', ...settings })
  await server.start()
  const options = { port, instances: [server.port], more: `proxy_bind ${PROXY};`, ...nginxOptions }
  const nginx = Nginx.start(options)
  const origin = `https://localhost:${port}`
  await until(() => isUp(origin))
  const stop = async () => {
    await nginx.stop()
    await server.dispose()
    expect(nginx.output).not.toMatch(/\[(warn|emerg)\]/)
  }
  return { server, origin, stop }
}

function warningsOf({ output }: Server): string[] {
  return output.split('\n').filter((line) => line.includes('"level":"warn"'))
}

/** A computer and a phone at the same address. Returns the review and the result of the confirm. */
async function signIn(origin: string, headers: Record<string, string> = {}) {
  const send = (path: string, body: object, cookie = ''): Promise<Http2Response> => {
    const own = { ':method': 'POST', 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', cookie }
    return request(origin, path, { ...own, ...headers }, undefined, body)
  }
  const phone = cookieOf(await send('/api/phone/session', { username: 'ada', password: 'demo' }))
  const started = await send('/api/qr', {})
  const code = JSON.parse(started.text).code.url.split('#')[1]
  const review = JSON.parse((await send('/api/qr/scan', { code }, phone)).text)
  const confirmed = await send('/api/qr/confirm', { claim: review.claim }, phone)
  return { review, confirmed: [confirmed.status, JSON.parse(confirmed.text).code] }
}

test('behind an undeclared nginx the number is required, and one log line names TRUSTED_PROXIES', async () => {
  const { server, origin, stop } = await deploy({})
  expect(warningsOf(server)).toEqual([])
  for (let times = 0; times < 2; times += 1) {
    const { review, confirmed } = await signIn(origin)
    expect(review).toMatchObject({ computer: { sameNetwork: false }, match: { required: true } })
    expect(confirmed).toEqual([409, 'match_required'])
  }
  expect(warningsOf(server)).toEqual([expect.stringContaining('TRUSTED_PROXIES')])
  await stop()
})

test('behind a declared nginx the number is not required, and no warning is logged', async () => {
  const { server, origin, stop } = await deploy({ TRUSTED_PROXIES: PROXY })
  const { review, confirmed } = await signIn(origin)
  expect(review).toMatchObject({ computer: { sameNetwork: true }, match: { required: false } })
  expect(confirmed[0]).toBe(200)
  expect(warningsOf(server)).toEqual([])
  await stop()
})

test('forwarding headers of a client have no effect behind a declared nginx', async () => {
  const { server, origin, stop } = await deploy({ TRUSTED_PROXIES: PROXY })
  const names = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'x-qr-login-peer']
  const { review } = await signIn(origin, Object.fromEntries(names.map((name) => [name, '198.51.100.1'])))
  expect(review.computer.sameNetwork).toBe(true)
  expect(warningsOf(server)).toEqual([])
  await stop()
})

test('behind a declared nginx that names no client the number is required, with a warning', async () => {
  const without = ['proxy_set_header X-Forwarded-For']
  const { server, origin, stop } = await deploy({ TRUSTED_PROXIES: PROXY }, { without })
  const { review } = await signIn(origin)
  expect(review).toMatchObject({ computer: { sameNetwork: false }, match: { required: true } })
  expect(warningsOf(server)).toEqual([expect.stringContaining('sent no address of a client')])
  await stop()
})

test('a page request logs the warning, a health check does not', async () => {
  const { server, origin, stop } = await deploy({})
  for (const path of ['/api/health/live', '/api/health/ready']) expect((await request(origin, path)).status).toBe(200)
  expect(warningsOf(server)).toEqual([])
  for (const path of ['/login', '/q', '/login']) expect((await request(origin, path)).status).toBe(200)
  await until(() => warningsOf(server).length > 0)
  expect(warningsOf(server)).toHaveLength(1)
  await stop()
})

test('the sample nginx removes the place header of a client', async () => {
  const settings = { TRUSTED_PROXIES: PROXY, PLACE_HEADER: 'cf-ipcity' }
  const city = { 'cf-ipcity': 'Springfield' }
  const stripped = await deploy(settings)
  expect((await signIn(stripped.origin, city)).review.computer.place).toBeNull()
  await stripped.stop()
  // Without that line of the sample the header reaches the server.
  const passed = await deploy(settings, { without: ['proxy_set_header CF-IPCity'] })
  expect((await signIn(passed.origin, city)).review.computer.place).toBe('Springfield')
  await passed.stop()
})

for (const kind of ['ours', 'next'] as const) {
  test(`without a proxy a local server knows the network; forwarding headers make it unknown: ${kind}`, async () => {
    const server = new Server(await freePort(), {}, { server: kind })
    await server.start()
    const isSame = async (headers: Record<string, string>) => {
      const phone = new Agent(server.origin)
      await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
      const started = await fetch(`${server.origin}/api/qr`, { method: 'POST', headers })
      const { code } = (await started.json()) as { code: { url: string } }
      const { json } = await phone.send('POST', '/api/qr/scan', { code: code.url.split('#')[1] })
      return json.computer.sameNetwork
    }
    expect(await isSame({})).toBe(true)
    expect(await isSame({ 'X-Qr-Login-Peer': '198.51.100.1' })).toBe(true)
    expect(warningsOf(server)).toEqual([])
    expect(await isSame({ 'X-Forwarded-For': '198.51.100.1' })).toBe(false)
    expect(await isSame({ Forwarded: 'for=127.0.0.1' })).toBe(false)
    expect(warningsOf(server)).toHaveLength(1)
    await server.dispose()
  })
}
