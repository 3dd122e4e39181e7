import { Agent } from './support/agent'
import { type Answer, ask, cookieOf, isUp } from './support/http2'
import { hasNginx, Nginx, type NginxOptions } from './support/nginx'
import { freePort, Server, type Settings } from './support/server'
import { expect, test, until } from './support/test'

/**
 * What an instance believes of the proxy in front of it, with the real nginx of the sample and a
 * public origin.
 */

test.skip(!hasNginx(), 'there is no nginx on this machine')

/** On one machine clients have the proxy's address: here it has one of its own. */
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

/**
 * A computer and a phone behind the same address: what the phone is shown, and what becomes of its
 * yes.
 */
async function signIn(origin: string, headers: Record<string, string> = {}) {
  const send = (path: string, body: object, cookie = ''): Promise<Answer> => {
    const own = { ':method': 'POST', 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', cookie }
    return ask(origin, path, { ...own, ...headers }, undefined, body)
  }
  const phone = cookieOf(await send('/api/phone/session', { username: 'ada', password: 'demo' }))
  const started = await send('/api/qr', {})
  const code = JSON.parse(started.text).code.url.split('#')[1]
  const review = JSON.parse((await send('/api/qr/scan', { code }, phone)).text)
  const confirmed = await send('/api/qr/confirm', { claim: review.claim }, phone)
  return { review, confirmed: [confirmed.status, JSON.parse(confirmed.text).code] }
}

test('behind an nginx that is not declared the number is due, and one line of the log says what to set', async () => {
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

test('behind one that is declared it is not, and nothing is warned of', async () => {
  const { server, origin, stop } = await deploy({ TRUSTED_PROXIES: PROXY })
  const { review, confirmed } = await signIn(origin)
  expect(review).toMatchObject({ computer: { sameNetwork: true }, match: { required: false } })
  expect(confirmed[0]).toBe(200)
  expect(warningsOf(server)).toEqual([])
  await stop()
})

test('what a client writes about its address in front of the nginx changes nothing', async () => {
  const { server, origin, stop } = await deploy({ TRUSTED_PROXIES: PROXY })
  const names = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'x-qr-login-peer']
  const { review } = await signIn(origin, Object.fromEntries(names.map((name) => [name, '198.51.100.1'])))
  expect(review.computer.sameNetwork).toBe(true)
  expect(warningsOf(server)).toEqual([])
  await stop()
})

test('behind one that names no client the number is due, with a warning', async () => {
  const without = ['proxy_set_header X-Forwarded-For']
  const { server, origin, stop } = await deploy({ TRUSTED_PROXIES: PROXY }, { without })
  const { review } = await signIn(origin)
  expect(review).toMatchObject({ computer: { sameNetwork: false }, match: { required: true } })
  expect(warningsOf(server)).toEqual([expect.stringContaining('sent no address of a client')])
  await stop()
})

test('a page is enough for the warning, a health check is not', async () => {
  const { server, origin, stop } = await deploy({})
  for (const path of ['/api/health/live', '/api/health/ready']) expect((await ask(origin, path)).status).toBe(200)
  expect(warningsOf(server)).toEqual([])
  for (const path of ['/login', '/q', '/login']) expect((await ask(origin, path)).status).toBe(200)
  await until(() => warningsOf(server).length > 0)
  expect(warningsOf(server)).toHaveLength(1)
  await stop()
})

test('a city that a client writes itself does not reach the phone, though its header is the one believed', async () => {
  const settings = { TRUSTED_PROXIES: PROXY, PLACE_HEADER: 'cf-ipcity' }
  const city = { 'cf-ipcity': 'Springfield' }
  const stripped = await deploy(settings)
  expect((await signIn(stripped.origin, city)).review.computer.place).toBeNull()
  await stripped.stop()
  // It is the sample that removes it.
  const passed = await deploy(settings, { without: ['proxy_set_header CF-IPCity'] })
  expect((await signIn(passed.origin, city)).review.computer.place).toBe('Springfield')
  await passed.stop()
})

for (const kind of ['ours', 'next'] as const) {
  test(`without a proxy a local server knows the network, and headers of a proxy hide it: ${kind}`, async () => {
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
