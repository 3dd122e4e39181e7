import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppServer } from '../support/app-server'
import { clientOf, OidcApp } from '../support/oidc-app'
import { signedInPhone, UserAgent } from '../support/user-agent'

let server: AppServer
let chat: OidcApp
let wiki: OidcApp
let phone: UserAgent
let endpoint: Server
let sent: Record<string, string> = {}
beforeAll(async () => {
  endpoint = createServer((message, response) => {
    let body = ''
    message.on('data', (chunk) => (body += chunk))
    message.on('end', () => {
      sent[message.url ?? ''] = new URLSearchParams(body).get('logout_token') ?? ''
      response.end()
    })
  })
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  const { port } = endpoint.address() as AddressInfo
  const logout = (id: string) => ({ backchannel_logout_uri: `http://127.0.0.1:${port}/${id}` })
  server = await AppServer.start({
    clients: [clientOf('wiki', { first_party: true, ...logout('wiki') }), clientOf('chat', logout('chat'))],
    env: { OUTBOUND_ALLOW: '127.0.0.0/8' },
  })
  chat = await OidcApp.discover(server, 'chat')
  wiki = await OidcApp.discover(server, 'wiki')
  phone = await signedInPhone(server.origin)
})
afterAll(async () => {
  await server.stop()
  endpoint.close()
})

/** Up to the redeem, without going on. */
async function redeem(computer: UserAgent, by: UserAgent, interaction?: string) {
  const { origin } = server
  const body = interaction === undefined ? {} : { interaction }
  const attempt = await computer.call<{ id: string; code: { url: string } }>('POST', `${origin}/api/qr`, { body })
  const review = await by.call<{ claim: string }>('POST', `${origin}/api/qr/scan`, {
    body: { code: attempt.code.url.split('#')[1] },
  })
  await by.call('POST', `${origin}/api/qr/confirm`, { body: { claim: review.claim } })
  const { ticket } = await computer.call<{ ticket: string }>('GET', `${origin}/api/qr/${attempt.id}`)
  return await computer.call<{ next: string; session: { id: string } }>(
    'POST',
    `${origin}/api/qr/${attempt.id}/redeem`,
    { body: { ticket } },
  )
}

async function interactionOf(computer: UserAgent, app: OidcApp): Promise<string> {
  const { url: login } = await computer.open((await app.begin()).url, (at) => at.includes('/login?'))
  return new URL(login).searchParams.get('interaction') ?? ''
}

const HTML = { headers: { Accept: 'text/html' } }

test('a sign-out between the redeem and the way back to the app is no 500', async () => {
  const computer = new UserAgent()
  const { next, session } = await redeem(computer, phone, await interactionOf(computer, chat))
  await phone.call('DELETE', `${server.origin}/api/sessions/${session.id}`)
  const { status } = await computer.fetch(server.origin + next, HTML)
  expect(status).toBeLessThan(500)
})

test('another person in the same browser does not end at a blank page of oidc-provider', async () => {
  const computer = new UserAgent()
  const { next } = await redeem(computer, phone, await interactionOf(computer, chat))
  await redeem(computer, await signedInPhone(server.origin, 'lin'))
  const response = await computer.fetch(server.origin + next, HTML)
  // The page submits itself by an inline script to a form that we do not have.
  expect(await response.text()).not.toContain('<script>')
})

test.each(['client_id=chat&id_token_hint=SECRET\r\nX: y', 'state=😀', 'state=%00\0'])(
  'a form with raw bytes is no 500, and its fields are in no line of the log: %j',
  async (body) => {
    const logged = await AppServer.start({ clients: [clientOf('chat')], env: { LOG_LEVEL: 'trace' } })
    const lines: string[] = []
    const { log } = logged.qrLogin.context
    const { error } = log
    log.error = ((...facts: Parameters<typeof error>) => {
      lines.push(String((facts[0] as unknown as { err?: Error }).err?.message))
    }) as typeof error
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const response = await fetch(`${logged.issuer}/session/end`, { method: 'POST', headers, body, redirect: 'manual' })
    log.error = error
    await logged.stop()
    expect([response.status, lines.join().includes('SECRET')]).toEqual([303, false])
  },
)

test('logout tokens of two apps have different ids, and none has our session id in it', async () => {
  sent = {}
  const computer = new UserAgent()
  const { signIn } = await wiki.signIn(computer, phone)
  await chat.signIn(new UserAgent(), phone)
  await chat.signIn(computer, phone)
  await phone.call('DELETE', `${server.origin}/api/sessions/${signIn?.session.id}`)
  await expect.poll(() => Object.keys(sent).length).toBe(2)
  const jtis = Object.values(sent).map(
    (token) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti as string,
  )
  expect([new Set(jtis).size, jtis.join().includes(signIn?.session.id ?? '')]).toEqual([2, false])
})

test('a device that names no scope asks for no empty one', async () => {
  const cli = {
    client_id: 'cli',
    client_name: 'Cli',
    token_endpoint_auth_method: 'none',
    redirect_uris: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
  }
  const other = await AppServer.start({ clients: [cli] })
  const own = await signedInPhone(other.origin)
  const response = await fetch(`${other.issuer}/device/auth`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'cli' }),
  })
  const { user_code: shortCode } = (await response.json()) as { user_code: string }
  const review = await own.call<{ app: { scopes: string[] } }>('POST', `${other.origin}/api/qr/scan`, {
    body: { shortCode },
  })
  await other.stop()
  expect(review.app.scopes).not.toContain('')
})
