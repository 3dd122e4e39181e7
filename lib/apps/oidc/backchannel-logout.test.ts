import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { clientOf, OidcApp, type Tokens } from '../../../test/support/oidc-app'
import { signedInPhone, UserAgent } from '../../../test/support/user-agent'

/** The apps' endpoints: what each path was sent, and what it answers. */
let received: { path: string; token: string; at: number }[] = []
let statuses: Record<string, number> = {}
let endpoint: Server
let clients: object[]
let server: AppServer
let wiki: OidcApp
let chat: OidcApp
let phone: UserAgent
beforeAll(async () => {
  endpoint = createServer((message, response) => {
    let body = ''
    message.on('data', (chunk) => {
      body += chunk
    })
    message.on('end', () => {
      const path = message.url ?? ''
      received.push({ path, token: new URLSearchParams(body).get('logout_token') ?? '', at: Date.now() })
      response.statusCode = statuses[path] ?? 200
      response.end()
    })
  })
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  const { port } = endpoint.address() as AddressInfo
  const logout = (id: string) => ({ backchannel_logout_uri: `http://127.0.0.1:${port}/${id}`, first_party: true })
  clients = [
    clientOf('wiki', logout('wiki')),
    clientOf('chat', { ...logout('chat'), id_token_signed_response_alg: 'ES256' }),
    clientOf('board', { first_party: true }),
  ]
  server = await AppServer.start({ clients, env: { OUTBOUND_ALLOW: '127.0.0.0/8' } })
  wiki = await OidcApp.discover(server, 'wiki')
  chat = await OidcApp.discover(server, 'chat')
  phone = await signedInPhone(server.origin)
})
afterAll(async () => {
  await server.stop()
  endpoint.close()
})
beforeEach(() => {
  received = []
  statuses = {}
})

const verify = async (token: string, audience: string) => {
  const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`))
  return await jwtVerify(token, keys, { issuer: server.issuer, audience, typ: 'logout+jwt' })
}
/** How often the end of the session that gave these tokens was told. */
const told = (tokens: Tokens) => received.filter(({ token }) => decodeJwt(token).sid === tokens.claims()?.sid).length
const expectTold = (tokens: Tokens) => expect.poll(() => told(tokens)).toBe(1)
const tokenOf = (path: string) => received.find((each) => each.path === path)?.token ?? ''

describe('the end of a session', () => {
  test('on the phone is told to each of its apps within 5 s, and to no other', async () => {
    const computer = new UserAgent()
    const first = await wiki.signIn(computer, phone)
    const second = await chat.signIn(computer, phone)
    await wiki.signIn(new UserAgent(), phone)
    const endedAt = Date.now()
    await phone.call('DELETE', `${server.origin}/api/sessions/${first.signIn?.session.id}`)
    await expect.poll(() => received.map(({ path }) => path).sort()).toEqual(['/chat', '/wiki'])
    expect(Math.max(...received.map(({ at }) => at)) - endedAt).toBeLessThan(5_000)
    const { payload, protectedHeader } = await verify(tokenOf('/wiki'), 'wiki')
    expect(payload).toMatchObject({
      sub: 'ada',
      sid: first.tokens.claims()?.sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    // Section 2.4: it must not look like an ID token.
    expect([payload.nonce, protectedHeader.alg]).toEqual([undefined, 'RS256'])
    const other = await verify(tokenOf('/chat'), 'chat')
    expect([other.payload.sid, other.protectedHeader.alg]).toEqual([second.tokens.claims()?.sid, 'ES256'])
    expect(other.payload.sid).not.toBe(payload.sid)
  })

  test('everywhere, by a new sign-in in the same browser, and by the app itself, is told too', async () => {
    const computer = new UserAgent()
    const signIn = async (parameters = {}) => (await wiki.signIn(computer, phone, parameters)).tokens
    const first = await signIn()
    const second = await signIn({ prompt: 'login' })
    await expectTold(first)
    expect(told(second)).toBe(0)
    const url = new URL(`${server.issuer}/session/end`)
    url.searchParams.set('id_token_hint', second.id_token ?? '')
    await computer.open(url.href)
    await expectTold(second)
    const third = await signIn()
    await phone.call('DELETE', `${server.origin}/api/sessions`)
    await expectTold(third)
  })

  test.each([
    ['limit', { MAX_COMPUTERS: '1' }],
    ['single', { SINGLE_COMPUTER: 'true' }],
  ])('by the sign-in of another computer is told too: %s', async (_, env) => {
    const other = await AppServer.start({ clients, env: { OUTBOUND_ALLOW: '127.0.0.0/8', ...env } })
    const app = await OidcApp.discover(other, 'wiki')
    const hand = await signedInPhone(other.origin)
    const { tokens } = await app.signIn(new UserAgent(), hand)
    const { tokens: later } = await app.signIn(new UserAgent(), hand)
    await expectTold(tokens)
    expect(told(later)).toBe(0)
    await other.stop()
  })

  test('is told again, with the same id, to an app that answers an error', async () => {
    statuses['/wiki'] = 500
    const { signIn, tokens } = await wiki.signIn(new UserAgent(), phone)
    // Those of the test before may still arrive.
    const own = () => received.filter(({ token }) => decodeJwt(token).sid === tokens.claims()?.sid)
    await phone.call('DELETE', `${server.origin}/api/sessions/${signIn?.session.id}`)
    await expect.poll(() => own().length).toBe(1)
    statuses = {}
    await expect.poll(() => own().length, { timeout: 20_000 }).toBe(2)
    const [first, again] = await Promise.all(own().map(({ token }) => verify(token, 'wiki')))
    expect(again?.payload.jti).toBe(first?.payload.jti)
  })
})
