import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildWithoutProxy, hasWithoutProxy, WITHOUT_PROXY } from '../scripts/without-proxy'
import { Agent } from './support/agent'
import { audit, notHeld } from './support/audit'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'

/**
 * The app on Next's own server without `proxy.ts`: as if it were deleted, or skipped for a
 * request. `proxy.ts` authorises nothing, so only the policy of the pages may be missing.
 */

test.describe.configure({ mode: 'serial', timeout: 180_000 })

let server: Server

test.beforeAll(async () => {
  test.setTimeout(300_000)
  expect(hasWithoutProxy() || buildWithoutProxy()).toBe(true)
  const build = { folder: WITHOUT_PROXY, server: 'next' } as const
  server = new Server(await freePort(), { RATE_LIMIT_SCALE: '2', CODE_PERIOD_S: '3', CONFIRM_MIN_MS: '700' }, build)
  await server.start()
})

test.afterAll(async () => await server.dispose())

test('pages still require a session, and their policy blocks all scripts', async () => {
  const signedOut = await fetch(`${server.origin}/`, { redirect: 'manual' })
  expect([signedOut.status, signedOut.headers.get('location')]).toEqual([307, '/login'])
  const computer = new Agent(server.origin)
  for (const path of ['/login', '/q', '/phone', '/nowhere']) {
    const page = await computer.open('GET', path)
    expect(page.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    await page.text()
  }
})

test('a sign-in works, and an open stream receives bye at the end', async () => {
  const [computer, other, phone] = [1, 2, 3].map(() => new Agent(server.origin)) as [Agent, Agent, Agent]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = (await computer.open('GET', `/api/qr/${attempt.id}/events`)).text()
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  const confirm = async () => (await phone.send('POST', '/api/qr/confirm', { claim: review.claim })).status
  await expect.poll(confirm).toBe(200)
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  expect((await computer.send('GET', '/api/session')).json).toMatchObject({ signedIn: true })
  expect([...(await stream).matchAll(/^event: (\w+)/gm)].map(([, name]) => name)).toEqual(Array(4).fill('attempt'))
  const { json: waiting } = await other.send('POST', '/api/qr', {})
  const pending = (await other.open('GET', `/api/qr/${waiting.id}/events`)).text()
  const { ms } = await server.end('SIGTERM')
  expect(await pending).toContain('event: bye')
  expect(ms).toBeLessThan(10_000)
  await server.start()
})

test('the audit finds only the missing policy of the pages', async () => {
  const report = await audit(server.origin)
  const found = notHeld(report).filter((line) => !line.includes(' skipped '))
  expect(found).toEqual(['answers.policy flaw /login does not forbid base-uri'])
})

test('our own server reads .env, except PORT and HOSTNAME', async () => {
  const file = join(WITHOUT_PROXY, '.env')
  const token = 'a-token-from-the-file-that-is-long-enough'
  writeFileSync(file, `METRICS_TOKEN=${token}\nPORT=1\nHOSTNAME=192.0.2.1\n`)
  const ours = new Server(await freePort(), {}, { folder: WITHOUT_PROXY, server: 'ours' })
  try {
    await ours.start()
    const headers = { Authorization: `Bearer ${token}` }
    expect((await fetch(`${ours.origin}/api/metrics`, { headers })).status).toBe(200)
  } finally {
    await ours.dispose()
    rmSync(file)
  }
})
