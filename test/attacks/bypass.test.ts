import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oidc from 'openid-client'
import { afterEach, expect, test } from 'vitest'
import type { Store } from '../../lib/core/store'
import type { SqliteStore } from '../../lib/stores/sqlite/store'
import { AppServer } from '../support/app-server'
import { clientOf, OidcApp } from '../support/oidc-app'
import { openStore, type StoreServer, startOnStore } from '../support/store-server'
import { openWithPhone, signedInPhone, UserAgent } from '../support/user-agent'

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

async function startOn(options: Parameters<typeof startOnStore>[0]): Promise<StoreServer> {
  const server = await startOnStore(options)
  ends.push(server.stop)
  return server
}

function openForTest(): SqliteStore {
  const { store, close } = openStore()
  ends.push(close)
  return store
}

test('IP_ALLOWLIST holds for the attempts of devices too', async () => {
  const server = await AppServer.start({ clients: [CLI], env: { IP_ALLOWLIST: '10.0.0.0/8' } })
  ends.push(() => server.stop())
  const start = await fetch(`${server.origin}/api/qr`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  })
  expect(start.status).toBe(403)
  const device = await fetch(`${server.issuer}/device/auth`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'cli', scope: 'openid' }),
  })
  expect(device.status).toBe(403)
})

test('an app that is opened while the person removes it has no tokens afterwards', async () => {
  const inner = openForTest()
  let during: (() => Promise<void>) | null = null
  const store = new Proxy<Store>(inner, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'removeRecord') return value.bind(target)
      return async (key: string) => {
        // The person's browser has the app open: it asks with prompt=none now.
        if (key.startsWith('consent ')) {
          const hook = during
          during = null
          await hook?.()
        }
        return target.removeRecord(key)
      }
    },
  })
  const server = await startOn({ store, clients: [clientOf('chat')] })
  const phone = await signedInPhone(server.origin)
  const chat = await OidcApp.discover(server, 'chat')
  const computer = new UserAgent()
  const scope = 'openid profile email groups'
  await chat.signIn(computer, phone, { scope })
  let stolen = ''
  during = async () => {
    stolen = (await chat.signIn(computer, phone, { scope, prompt: 'none' })).tokens.access_token
  }
  await phone.call('DELETE', `${server.origin}/api/apps/chat`)
  expect(stolen).not.toBe('')
  const { apps } = await phone.call<{ apps: unknown[] }>('GET', `${server.origin}/api/apps`)
  expect(apps).toEqual([])
  expect(await chat.isActive(stolen)).toBe(false)
})

test('a process with the older clients file does not lose the sign-out of a new app', async () => {
  const received: string[] = []
  const endpoint = createServer((message, response) => {
    message.resume()
    message.on('end', () => {
      received.push(message.url ?? '')
      response.end()
    })
  })
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  ends.push(() => void endpoint.close())
  const { port } = endpoint.address() as AddressInfo
  const wiki = clientOf('wiki', { first_party: true })
  const withLogout = { ...wiki, backchannel_logout_uri: `http://127.0.0.1:${port}/wiki` }
  const env = { OUTBOUND_ALLOW: '127.0.0.0/8' }
  const store = openForTest()
  // A rollout: the newer one has signed the person in, the older one is still there, and is faster.
  const newer = await startOn({ store, clients: [withLogout], env })
  const app = await OidcApp.discover(newer, 'wiki')
  const phone = await signedInPhone(newer.origin)
  const { signIn } = await app.signIn(new UserAgent(), phone)
  await newer.qrLogin.drain()
  const older = await startOn({ store, clients: [clientOf('board')], env })
  await phone.call('DELETE', `${newer.origin}/api/sessions/${signIn?.session.id}`)
  // It has made a delivery of the event, and could not send it.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(store.countEvents()).toBe(1)
  older.qrLogin.drain()
  // The rollout ends.
  await startOn({ store, clients: [withLogout], env })
  await expect.poll(() => received, { timeout: 15_000 }).toEqual(['/wiki'])
})

test('max_age counts with a machine clock that was set back by an hour', async () => {
  const server = await startOn({
    store: openForTest(),
    clients: [clientOf('wiki', { first_party: true })],
    // The clock of lifetimes goes on; the machine's clock was set back.
    now: () => Date.now() + 3_600_000,
  })
  const phone = await signedInPhone(server.origin)
  const wiki = await OidcApp.discover(server, 'wiki')
  const computer = new UserAgent()
  const { tokens } = await wiki.signIn(computer, phone)
  const { auth_time: at = 0, iat = 0 } = tokens.claims() as { auth_time?: number; iat?: number }
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  const { signIn } = await wiki.signIn(computer, phone, { max_age: '1' })
  // A new scan, and no time of authentication in the future.
  expect([signIn !== null, at <= iat + 5]).toEqual([true, true])
})

test('devices sign in with a machine clock that was set forward by eight days', async () => {
  const server = await startOn({ store: openForTest(), clients: [CLI], now: () => Date.now() - 8 * 86_400_000 })
  const phone = await signedInPhone(server.origin)
  const post = async (path: string, fields: Record<string, string>) =>
    (await (await fetch(server.issuer + path, { method: 'POST', body: new URLSearchParams(fields) })).json()) as Record<
      string,
      string
    >
  const device = await post('/device/auth', { client_id: 'cli', scope: 'openid' })
  const review = await phone.call<{ claim: string }>('POST', `${server.origin}/api/qr/scan`, {
    body: { shortCode: device.user_code },
  })
  await phone.call('POST', `${server.origin}/api/qr/confirm`, { body: { claim: review.claim } })
  const tokens = await post('/token', { client_id: 'cli', grant_type: GRANT, device_code: device.device_code ?? '' })
  expect(tokens.error).toBeUndefined()
})

test('a code that is exchanged again after its minute ends the tokens of the first exchange', async () => {
  let offsetMs = 0
  const server = await startOn({ store: openForTest(), clients: [clientOf('chat')], now: () => Date.now() + offsetMs })
  const phone = await signedInPhone(server.origin)
  const chat = await OidcApp.discover(server, 'chat')
  const { url, verifier } = await chat.begin()
  const { url: callback } = await openWithPhone(new UserAgent(), phone, url, (at) => at.startsWith(chat.redirectUri))
  const checks = { pkceCodeVerifier: verifier, expectedState: 'state' }
  const exchange = () => oidc.authorizationCodeGrant(chat.config, new URL(callback), checks)
  const tokens = await exchange()
  offsetMs += 61_000
  await expect(exchange()).rejects.toMatchObject({ error: 'invalid_grant' })
  expect(await chat.isActive(tokens.access_token)).toBe(false)
})
