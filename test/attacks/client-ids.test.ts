import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppServer } from '../support/app-server'
import { clientOf } from '../support/oidc-app'
import { openWithPhone, signedInPhone, UserAgent } from '../support/user-agent'

const ORIGINAL = new Set(Reflect.ownKeys(Object.prototype))
const added = () => Reflect.ownKeys(Object.prototype).filter((key) => !ORIGINAL.has(key))

let server: AppServer
beforeAll(async () => {
  const client = clientOf('x', { client_id: '__proto__', first_party: true })
  server = await AppServer.start({ clients: [client, clientOf('wiki')] })
})
afterAll(async () => {
  for (const key of added()) Reflect.deleteProperty(Object.prototype, key)
  await server.stop()
})

test('a client with the id __proto__ changes no other object, and ends no sign-in of others', async () => {
  const phone = await signedInPhone(server.origin)
  const query = new URLSearchParams({
    client_id: '__proto__',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: 'https://x.example.com/callback',
  })
  await openWithPhone(new UserAgent(), phone, `${server.issuer}/auth?${query}`, (at) => at.startsWith('https://x.'))
  const polluted = added()
  const other = await new UserAgent().fetch(`${server.origin}/api/qr`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  })
  expect([polluted, other.status]).toEqual([[], 201])
})
