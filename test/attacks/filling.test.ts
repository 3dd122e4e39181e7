import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { AppServer } from '../support/app-server'
import { CLIENT_SECRET, clientOf, OidcApp } from '../support/oidc-app'
import { hasRedisServer, RedisServer } from '../support/redis-server'
import { openStore, startOnStore } from '../support/store-server'
import { signedInPhone, UserAgent } from '../support/user-agent'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const CLI = {
  client_id: 'cli',
  client_name: 'Command line',
  token_endpoint_auth_method: 'none',
  redirect_uris: [],
  grant_types: [GRANT, 'refresh_token'],
}

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const startDevice = (issuer: string) =>
  fetch(`${issuer}/device/auth`, { method: 'POST', body: new URLSearchParams({ client_id: 'cli', scope: 'openid' }) })

/** Starts devices until the limit refuses one. */
async function useUpStarts(issuer: string): Promise<void> {
  for (let index = 0; index < 1_000; index += 1) if ((await startDevice(issuer)).status === 429) return
  throw new Error('the limit refuses nothing')
}

/** The first request makes the keys, which can take longer than the deadline of a shared store. */
const ready = (issuer: string) =>
  expect.poll(async () => (await fetch(`${issuer}/jwks`)).status, { interval: 200 }).toBe(200)

describe.skipIf(!hasRedisServer())('a stranger, on Redis,', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await RedisServer.start()
  })
  afterAll(() => redis.dispose())

  const capacityUsed = async (prefix: string) => {
    const keys = (await redis.send(['KEYS', `${prefix}r:records:*`]))
      .split('\r\n')
      .filter((line) => line.startsWith(prefix))
    const counts = await Promise.all(keys.map((key) => redis.send(['GET', key])))
    return counts.reduce((sum, reply) => sum + Number(reply.split('\r\n')[1]), 0)
  }

  test('device starts that the limit refuses use up no capacity of records', async () => {
    const prefix = `atk-${randomUUID()}:`
    const env = { REDIS_URL: redis.url, REDIS_PREFIX: prefix, RATE_LIMIT_SCALE: '1' }
    const server = await AppServer.start({ clients: [CLI], env })
    ends.push(() => server.stop())
    await ready(server.issuer)
    await useUpStarts(server.issuer)
    const used = await capacityUsed(prefix)
    const statuses: number[] = []
    for (let index = 0; index < 50; index += 1) statuses.push((await startDevice(server.issuer)).status)
    expect(new Set(statuses)).toEqual(new Set([429]))
    // 50 refused requests of one address.
    expect((await capacityUsed(prefix)) - used).toBe(0)
  })

  test('one address that the limit refuses locks nobody out of apps and short codes', async () => {
    const prefix = `atk-${randomUUID()}:`
    const env = { REDIS_URL: redis.url, REDIS_PREFIX: prefix, RATE_LIMIT_SCALE: '1' }
    const server = await AppServer.start({ clients: [CLI, clientOf('wiki', { first_party: true })], env })
    ends.push(() => server.stop())
    await ready(server.issuer)
    await useUpStarts(server.issuer)
    // What about 499,980 further refused requests leave: 140 a second for an hour, or 6,000 for a
    // minute and a half.
    const [key = ''] = (await redis.send(['KEYS', `${prefix}r:records:*`]))
      .split('\r\n')
      .filter((l) => l.startsWith(prefix))
    await redis.send(['SET', key, '499980', 'KEEPTTL'])
    for (let index = 0; index < 50; index += 1) await startDevice(server.issuer)
    const wiki = await OidcApp.discover(server, 'wiki')
    const { url } = await wiki.begin()
    expect((await new UserAgent().fetch(url)).status).toBe(303)
  })
})

describe('a stranger', () => {
  test('a request of an app costs the store no more than an attempt (4 KB)', async () => {
    const server = await AppServer.start({ clients: [clientOf('wiki')], env: { RATE_LIMIT_SCALE: '1' } })
    ends.push(() => server.stop())
    const wiki = await OidcApp.discover(server, 'wiki')
    const { url } = await wiki.begin({ state: 's'.repeat(15_000) })
    await new UserAgent().fetch(url)
    const records =
      server
        .readStore()
        .match(/s{1000,}/g)
        ?.join('').length ?? 0
    expect(records).toBeLessThan(4_096)
  })

  test('a foreign page cannot use up the requests of everybody at one address', async () => {
    const server = await AppServer.start({ clients: [clientOf('wiki')], env: { RATE_LIMIT_SCALE: '1' } })
    ends.push(() => server.stop())
    const wiki = await OidcApp.discover(server, 'wiki')
    // What `<img>`, or `fetch` with `no-cors`, in any page of the web sends, without cookies (Lax).
    const foreign = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }
    for (let index = 0; index < 60; index += 1)
      await fetch(`${server.issuer}/auth`, { headers: foreign, redirect: 'manual' })
    const { url } = await wiki.begin()
    // Node’s fetch names no site.
    expect((await new UserAgent().fetch(url)).status).toBe(303)
  })

  test('wrong bearer tokens at GET /oidc/me are counted like others', async () => {
    const server = await AppServer.start({ clients: [clientOf('wiki')], env: { RATE_LIMIT_SCALE: '1' } })
    ends.push(() => server.stop())
    const guess = async () =>
      (await fetch(`${server.issuer}/me`, { headers: { Authorization: `Bearer ${randomUUID()}` } })).status
    const statuses: number[] = []
    for (let index = 0; index < 25; index += 1) statuses.push(await guess())
    expect(statuses).toContain(429)
  })
})

/** A server on the embedded store with room for few records. */
async function startSmall(maxRecords: number, clients: object[]) {
  const { store, close } = openStore({ maxRecords })
  ends.push(close)
  const server = await startOnStore({ store, clients, env: { RATE_LIMIT_SCALE: '1' } })
  ends.push(server.stop)
  return server
}

test('refreshes of one registered app lock nobody else out of apps (SQLite)', async () => {
  const server = await startSmall(400, [clientOf('wiki', { first_party: true }), clientOf('evil')])
  await ready(server.issuer)
  const phone = await signedInPhone(server.origin)
  const evil = await OidcApp.discover(server, 'evil')
  const wiki = await OidcApp.discover(server, 'wiki')
  const scope = { scope: 'openid offline_access', prompt: 'consent' }
  let token = (await evil.signIn(new UserAgent(), phone, scope)).tokens.refresh_token ?? ''
  const statuses = new Set<number>()
  for (let index = 0; index < 200; index += 1) {
    const response = await fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`evil:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    })
    statuses.add(response.status)
    if (response.ok) token = ((await response.json()) as { refresh_token: string }).refresh_token
  }
  const { url } = await wiki.begin()
  expect((await new UserAgent().fetch(url)).status).toBe(303)
})
