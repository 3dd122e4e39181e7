import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { App, Browser, codeOf, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { createQrLogin, loadConfig, SqliteStore } from '../index'

const ORIGINS = ['https://one.example.com', 'https://two.example.com'] as const

let opened: { dispose: () => void }[] = []
afterEach(() => {
  for (const each of opened) each.dispose()
  opened = []
})

function open(env: Record<string, string>): App {
  const app = new App(env, Date.now)
  opened.push(app)
  return app
}

test.skipIf(!hasRedisServer())(
  'two instances with different stores and origins in one process are independent',
  async () => {
    const redis = await RedisServer.start()
    const one = open({ PUBLIC_ORIGIN: ORIGINS[0] })
    const two = open({ PUBLIC_ORIGIN: ORIGINS[1], REDIS_URL: redis.url, MATCH_POLICY: 'always' })
    await expect.poll(() => two.context.checkReady()).toBeNull()

    const phones = [await signedInPhone(one, 'ada'), await signedInPhone(two, 'lin')] as const
    const computer = await signInComputer(one, phones[0])
    expect(await computer.get('GET', '/api/session')).toMatchObject({ person: { id: 'ada' } })

    const [ofOne, ofTwo] = [await new Browser(one).start(), await new Browser(two).start()]
    expect(ofOne.code?.url).toMatch(/^https:\/\/one\.example\.com\/q#/)
    expect(ofTwo.code?.url).toMatch(/^https:\/\/two\.example\.com\/q#/)
    const foreign = await phones[1].send('POST', '/api/qr/scan', { body: { code: codeOf(ofOne) } })
    expect(await refusal(foreign)).toEqual({ status: 404, code: 'code_unknown' })
    expect(await phones[1].scan(ofTwo)).toMatchObject({ match: { reasons: ['policy'] } })

    const headers = { Origin: ORIGINS[0] }
    const crossSite = await new Browser(two).send('POST', '/api/qr', { body: {}, headers, site: null })
    expect(await refusal(crossSite)).toEqual({ status: 403, code: 'cross_site' })

    one.qrLogin.drain()
    expect([await one.context.checkReady(), await two.context.checkReady()]).toEqual(['shutdown', null])
    expect((await new Browser(two).send('POST', '/api/qr', { body: {} })).status).toBe(201)
    two.dispose()
    opened = [one]
    await redis.dispose()
  },
)

test('a store that the caller passes is used, and not closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-given-'))
  const store = new SqliteStore(folder, () => {})
  const config = loadConfig({
    PUBLIC_ORIGIN: ORIGINS[0],
    SESSION_SECRET: 'a secret for tests that is long enough',
    LOG_LEVEL: 'silent',
  })
  const qrLogin = createQrLogin({ config, store })
  const request = (path: string, init: RequestInit = {}) => new Request(`${ORIGINS[0]}${path}`, init)
  const body = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json', Origin: ORIGINS[0] } }
  const started = await qrLogin.handle(request('/api/qr', body), { address: '203.0.113.7' })
  expect(started.status).toBe(201)
  const { id } = (await started.json()) as { id: string }
  await qrLogin.close()
  expect(await store.findAttempt(id)).toMatchObject({ status: 'pending', computer: { network: '203.0.113.7' } })
  store.close()
  rmSync(folder, { recursive: true })
})

test('a path outside the API is a 404', async () => {
  const app = open({})
  expect((await app.handle(new Request('https://login.example.com/login'))).status).toBe(404)
})
