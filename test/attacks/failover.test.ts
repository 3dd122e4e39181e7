import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SigningKeys } from '../../lib/apps/oidc/signing-keys'
import { SqliteStore } from '../../lib/stores/sqlite/store'
import { AppServer } from '../support/app-server'
import { clientOf, OidcApp } from '../support/oidc-app'
import { RedisServer } from '../support/redis-server'
import { signedInPhone, UserAgent } from '../support/user-agent'
import { Wire } from '../support/wire'

describe('a failover that loses the last writes', () => {
  let primary: RedisServer
  let replica: RedisServer
  let wire: Wire
  /** Between primary and replica. */
  let link: Wire
  let server: AppServer
  let chat: OidcApp
  let phone: UserAgent
  beforeEach(async () => {
    primary = await RedisServer.start()
    replica = await RedisServer.start()
    const { port } = primary
    link = await Wire.open(() => port)
    await replica.replicate(primary, link.port)
    wire = await Wire.open(() => primary.port)
    server = await AppServer.start({
      clients: [clientOf('chat')],
      env: { REDIS_URL: `redis://127.0.0.1:${wire.port}` },
    })
    await expect.poll(async () => (await fetch(`${server.issuer}/jwks`)).status, { interval: 200 }).toBe(200)
    chat = await OidcApp.discover(server, 'chat')
    phone = await signedInPhone(server.origin)
  })
  afterEach(async () => {
    await server.stop()
    await wire.close()
    await link.close()
    await primary.dispose()
    await replica.dispose()
  })

  /** The replica is promoted with what it has. */
  async function failOver() {
    const failed = primary
    primary = replica
    await failed.kill()
    replica = failed
    await primary.send('REPLICAOF NO ONE')
    await expect
      .poll(async () => (await fetch(`${server.origin}/api/health/ready`)).status, { interval: 100 })
      .toBe(200)
  }

  /** The write of everything so far has arrived, and none from now on does. */
  async function cutReplica() {
    await expect.poll(async () => (await primary.send('WAIT 1 200')).includes(':1')).toBe(true)
    link.silence()
  }

  test('the removal of an app that was confirmed with 204 is not undone', async () => {
    const { tokens } = await chat.signIn(new UserAgent(), phone, { scope: 'openid offline_access', prompt: 'consent' })
    await cutReplica()
    const removal = await phone.fetch(`${server.origin}/api/apps/chat`, {
      method: 'DELETE',
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    // A sign-out is 503 here.
    const signOut = await phone.fetch(`${server.origin}/api/sessions`, {
      method: 'DELETE',
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    expect(signOut.status).toBe(503)
    await failOver()
    const { apps } = await phone.call<{ apps: unknown[] }>('GET', `${server.origin}/api/apps`)
    const isUndone = (await chat.isActive(tokens.access_token)) || apps.length > 0
    expect([removal.status, isUndone]).not.toEqual([204, true])
  })
})

describe('processes at different phases of a rotation of the secret', () => {
  const OLD = 'the old secret of a test that is long enough'
  const NEW = 'the new secret of a test that is long enough'
  const DAY_MS = 24 * 3_600_000
  let folder: string
  let records: SqliteStore
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qr-login-attack-keys-'))
    records = new SqliteStore(folder, (error) => {
      throw error
    })
  })
  afterEach(() => {
    records.close()
    rmSync(folder, { recursive: true })
  })
  let time = Date.now()
  const processWith = (...secrets: [string, ...string[]]) =>
    new SigningKeys({ records, secrets, now: () => time, randomBytes })
  const idsOf = async (keys: SigningKeys) => (await keys.load()).map(({ alg, kid }) => `${alg} ${kid}`).sort()

  test('have the same keys, also when they make them at once', async () => {
    const [older, newer] = [processWith(OLD, NEW), processWith(NEW, OLD)]
    await Promise.all([older.load(), newer.load()])
    expect(await idsOf(older)).toEqual(await idsOf(newer))
  })

  test('have the same keys, also when they replace them at once', async () => {
    const [older, newer] = [processWith(OLD, NEW), processWith(NEW, OLD)]
    await older.load()
    await newer.load()
    time += 90 * DAY_MS
    await Promise.all([older.load(), newer.load()])
    expect(await idsOf(older)).toEqual(await idsOf(newer))
  })
})
