import * as oidc from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { clientOf, OidcApp } from '../../../test/support/oidc-app'
import { signedInPhone, UserAgent } from '../../../test/support/user-agent'

let server: AppServer
let wiki: OidcApp
let chat: OidcApp
let phone: UserAgent
let computer: UserAgent
beforeAll(async () => {
  server = await AppServer.start({ clients: [clientOf('wiki', { first_party: true }), clientOf('chat')] })
  wiki = await OidcApp.discover(server, 'wiki')
  chat = await OidcApp.discover(server, 'chat')
  phone = await signedInPhone(server.origin)
})
afterAll(() => server.stop())
beforeEach(() => {
  computer = new UserAgent()
})

const OFFLINE = { scope: 'openid profile email groups offline_access', prompt: 'consent' }

describe('the end of a session', () => {
  test('on the phone ends every token of its apps, refresh tokens too', async () => {
    const { tokens, signIn } = await wiki.signIn(computer, phone, OFFLINE)
    const second = await chat.signIn(computer, phone, OFFLINE)
    const id = second.signIn?.session.id ?? signIn?.session.id
    await phone.call('DELETE', `${server.origin}/api/sessions/${id}`)
    expect(await wiki.isActive(tokens.access_token)).toBe(false)
    expect(await chat.isActive(second.tokens.access_token)).toBe(false)
    expect(await chat.tryRefresh(second.tokens.refresh_token ?? '')).toEqual({ status: 400, error: 'invalid_grant' })
  })

  const endSession = (app: OidcApp, parameters: Record<string, string>) =>
    oidc.buildEndSessionUrl(app.config, { state: 's', ...parameters }).href

  test('at the request of its own app is not asked about', async () => {
    const { tokens, signIn } = await wiki.signIn(computer, phone)
    const hint = { id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: 'https://wiki.example.com/' }
    const { url } = await computer.open(endSession(wiki, hint), (at) => at.startsWith('https://wiki'))
    expect(url).toBe('https://wiki.example.com/?state=s')
    expect(await wiki.isActive(tokens.access_token)).toBe(false)
    const list = await phone.call<{ sessions: { id: string }[] }>('GET', `${server.origin}/api/sessions`)
    expect(list.sessions.map(({ id }) => id)).not.toContain(signIn?.session.id)
  })

  test("at another session's request is asked about, and the form ends it", async () => {
    const { tokens } = await wiki.signIn(new UserAgent(), phone)
    const own = await wiki.signIn(computer, phone)
    const hint = { id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: 'https://wiki.example.com/' }
    const { response } = await computer.open(endSession(wiki, hint))
    const page = (await response?.text()) ?? ''
    expect(response?.headers.get('content-security-policy')).toContain("form-action 'self' https://wiki.example.com")
    expect(page).toContain('Wiki asks for it.')
    const [, question = ''] = /name="question" value="([^"]+)"/.exec(page) ?? []
    const send = (agent: UserAgent, value: string, site = 'same-origin') =>
      agent.fetch(`${server.origin}/oidc/session/end/confirm`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': site },
        body: new URLSearchParams({ question: value }),
      })
    expect((await send(computer, `${question}x`)).status).toBe(400)
    expect((await send(computer, question, 'cross-site')).status).toBe(403)
    const stranger = new UserAgent()
    await wiki.signIn(stranger, phone)
    expect((await send(stranger, question)).headers.get('location')).toBe('/')
    expect(await wiki.isActive(own.tokens.access_token)).toBe(true)
    const confirmed = await send(computer, question)
    expect(confirmed.headers.get('location')).toBe('https://wiki.example.com/?state=s')
    expect(await wiki.isActive(own.tokens.access_token)).toBe(false)
    expect(await wiki.isActive(tokens.access_token)).toBe(true)
  })

  test('without a session goes back to the app at once', async () => {
    const address = endSession(wiki, { post_logout_redirect_uri: 'https://wiki.example.com/' })
    const { url } = await computer.open(address, (at) => at.startsWith('https://wiki'))
    expect(url).toBe('https://wiki.example.com/?state=s')
  })
})
