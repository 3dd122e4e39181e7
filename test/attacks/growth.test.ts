import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openDatabase } from '../../lib/stores/sqlite/database'
import { AppServer } from '../support/app-server'
import { CLIENT_SECRET, clientOf, OidcApp } from '../support/oidc-app'
import { hasRedisServer, RedisServer } from '../support/redis-server'
import { openStore, startOnStore } from '../support/store-server'
import { signedInPhone, UserAgent } from '../support/user-agent'

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const ready = (issuer: string) =>
  expect.poll(async () => (await fetch(`${issuer}/jwks`)).status, { interval: 200 }).toBe(200)

test.skipIf(!hasRedisServer())('refreshes of one session leave a bounded number of records (Redis)', async () => {
  const redis = await RedisServer.start()
  ends.push(() => redis.dispose())
  const prefix = `atk-${randomUUID()}:`
  const env = { REDIS_URL: redis.url, REDIS_PREFIX: prefix, RATE_LIMIT_SCALE: '0.25' }
  const server = await AppServer.start({ clients: [clientOf('evil')], env })
  ends.push(() => server.stop())
  await ready(server.issuer)
  const phone = await signedInPhone(server.origin)
  const evil = await OidcApp.discover(server, 'evil')
  const scope = { scope: 'openid offline_access', prompt: 'consent' }
  let token = (await evil.signIn(new UserAgent(), phone, scope)).tokens.refresh_token ?? ''
  let refused = 0
  for (let index = 0; index < 40; index += 1) {
    const response = await fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`evil:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    })
    if (response.ok) token = ((await response.json()) as { refresh_token: string }).refresh_token
    else refused += Number(response.status === 429)
  }
  const [group = ''] = (await redis.send(['KEYS', `${prefix}g:grant *`]))
    .split('\r\n')
    .filter((line) => line.startsWith(prefix))
  const members = Number((await redis.send(['SCARD', group])).slice(1))
  // Of 30 refreshes: each leaves an access token and a used refresh token.
  expect([members, refused]).toEqual([expect.closeTo(63, -1), 10])
})

test('a device start that is refused for want of room leaves nothing (SQLite)', async () => {
  const cli = {
    client_id: 'cli',
    client_name: 'Cli',
    token_endpoint_auth_method: 'none',
    redirect_uris: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
  }
  // Room for the device code: the user code is the record too many.
  const { store, folder, close } = openStore({ maxRecords: 1 })
  ends.push(close)
  const { issuer, stop } = await startOnStore({ store, clients: [cli], env: { RATE_LIMIT_SCALE: '1' } })
  ends.push(stop)
  const db = openDatabase(join(folder, 'qr-login.db'))
  ends.push(() => void db.close())
  const count = () => [
    (db.prepare('SELECT count(*) AS n FROM records').get() as { n: number }).n,
    (db.prepare('SELECT count(*) AS n FROM attempts').get() as { n: number }).n,
  ]
  const before = count()
  const { status } = await fetch(`${issuer}/device/auth`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'cli', scope: 'openid' }),
  })
  expect(status).toBe(503)
  expect(count()).toEqual(before)
})
