import * as oidc from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { CLIENT_SECRET, clientOf, OidcApp } from '../../../test/support/oidc-app'
import { signedInPhone, UserAgent } from '../../../test/support/user-agent'

let server: AppServer
/** Of the first party; the other two are not. */
let wiki: OidcApp
let chat: OidcApp
let board: OidcApp
let phone: UserAgent
let computer: UserAgent
beforeAll(async () => {
  const clients = [
    clientOf('wiki', { first_party: true }),
    clientOf('chat'),
    clientOf('board', { scope: 'openid email' }),
  ]
  server = await AppServer.start({ clients })
  wiki = await OidcApp.discover(server, 'wiki')
  chat = await OidcApp.discover(server, 'chat')
  board = await OidcApp.discover(server, 'board')
  phone = await signedInPhone(server.origin)
})
afterAll(() => server.stop())
beforeEach(() => {
  computer = new UserAgent()
})

const OFFLINE = { scope: 'openid profile email groups offline_access', prompt: 'consent' }
const get = async (url: string) => {
  const { response } = await computer.open(url)
  return { status: response?.status, text: (await response?.text()) ?? '' }
}

describe('a sign-in to an app', () => {
  test('gives the person in the ID token and at userinfo', async () => {
    const { tokens, signIn } = await wiki.signIn(computer, phone)
    expect(signIn?.review.app).toEqual({ name: 'Wiki', logoUrl: null, host: 'wiki.example.com', scopes: null })
    const person = {
      sub: 'ada',
      name: 'Ada Byron',
      picture: `${server.origin}/avatars/ada.svg`,
      preferred_username: 'ada',
      email: 'ada@example.com',
      email_verified: true,
      groups: ['admins'],
    }
    expect(tokens.claims()).toMatchObject({ ...person, amr: ['mca', 'user'], auth_time: expect.any(Number) })
    expect(await oidc.fetchUserInfo(wiki.config, tokens.access_token, 'ada')).toEqual(person)
  })

  test('is shown with the app in the list of computers', async () => {
    const { signIn } = await wiki.signIn(computer, phone)
    const { sessions } = await phone.call<{ sessions: { id: string; app: unknown }[] }>(
      'GET',
      `${server.origin}/api/sessions`,
    )
    expect(sessions.find(({ id }) => id === signIn?.session.id)?.app).toEqual({
      name: 'Wiki',
      host: 'wiki.example.com',
    })
  })

  test('a browser that is signed in needs no scan for the next app', async () => {
    await wiki.signIn(computer, phone)
    await chat.signIn(new UserAgent(), phone)
    const { signIn, tokens } = await chat.signIn(computer, phone)
    expect([signIn, tokens.claims()?.sub]).toEqual([null, 'ada'])
  })

  test.each([
    ['prompt=login', { prompt: 'login' }],
    ['max_age=0', { max_age: '0' }],
  ])('%s asks for a new scan, and the session is a new one', async (_, parameters) => {
    const first = await wiki.signIn(computer, phone)
    const second = await wiki.signIn(computer, phone, parameters)
    expect(second.signIn?.session.id).not.toBe(first.signIn?.session.id)
    expect(await wiki.isActive(first.tokens.access_token)).toBe(false)
    expect(await wiki.isActive(second.tokens.access_token)).toBe(true)
  })

  test('prompt=none without a session is an error for the app', async () => {
    await expect(wiki.signIn(computer, phone, { prompt: 'none' })).rejects.toMatchObject({ error: 'login_required' })
  })
})

describe('an app of a third party', () => {
  const revoke = () => phone.call('DELETE', `${server.origin}/api/apps/chat`)
  const list = async () =>
    (await phone.call<{ apps: { clientId: string; scopes: string[] }[] }>('GET', `${server.origin}/api/apps`)).apps

  test('is named on the phone with what it asks for, and the yes is remembered', async () => {
    const { signIn } = await chat.signIn(computer, phone, OFFLINE)
    const scopes = ['openid', 'profile', 'email', 'groups', 'offline_access']
    expect(signIn?.review.app).toEqual({ name: 'Chat', logoUrl: null, host: 'chat.example.com', scopes })
    expect(await list()).toContainEqual({
      clientId: 'chat',
      name: 'Chat',
      logoUrl: null,
      scopes,
      agreedAt: expect.any(String),
    })
    expect((await chat.signIn(computer, phone)).signIn).toBeNull()
  })

  test('that asks for more than was agreed to needs another yes', async () => {
    await board.signIn(computer, phone, { scope: 'openid' })
    const more = await board.signIn(computer, phone, { scope: 'openid email' })
    expect(more.signIn?.review.app?.scopes).toEqual(['openid', 'email'])
    expect((await board.signIn(computer, phone, { scope: 'openid' })).signIn).toBeNull()
  })

  test('that is removed loses its tokens, and asks again', async () => {
    const { tokens } = await chat.signIn(computer, phone, OFFLINE)
    const other = await wiki.signIn(computer, phone)
    await revoke()
    expect((await list()).map(({ clientId }) => clientId)).not.toContain('chat')
    expect(await chat.isActive(tokens.access_token)).toBe(false)
    expect(await chat.tryRefresh(tokens.refresh_token ?? '')).toEqual({ status: 400, error: 'invalid_grant' })
    expect(await wiki.isActive(other.tokens.access_token)).toBe(true)
    await expect(revoke()).rejects.toThrow('404')
    expect((await chat.signIn(computer, phone)).signIn).not.toBeNull()
  })

  test("another person's consent stays", async () => {
    const lin = await signedInPhone(server.origin, 'lin')
    const theirs = new UserAgent()
    const { tokens } = await chat.signIn(theirs, lin)
    await chat.signIn(computer, phone)
    await revoke()
    expect(await chat.isActive(tokens.access_token)).toBe(true)
  })

  test('that the person declines hears access_denied', async () => {
    const { url } = await chat.begin()
    const { url: login } = await computer.open(url, (at) => at.includes('/login?'))
    const interaction = new URL(login).searchParams.get('interaction')
    const decline = `${server.origin}/api/interactions/${interaction}/decline`
    await expect(new UserAgent().call('POST', decline)).rejects.toThrow('interaction_unknown')
    const { next } = await computer.call<{ next: string }>('POST', decline)
    const { url: callback } = await computer.open(server.origin + next, (at) => at.startsWith(chat.redirectUri))
    expect(Object.fromEntries(new URL(callback).searchParams)).toMatchObject({ error: 'access_denied', state: 'state' })
  })
})

describe('the request of an app', () => {
  test('belongs to the browser that the app has sent', async () => {
    const { url } = await wiki.begin()
    const { url: login } = await computer.open(url, (at) => at.includes('/login?'))
    const interaction = new URL(login).searchParams.get('interaction') ?? ''
    const other = new UserAgent()
    // The other browser has a request of its own.
    await other.open(url, (at) => at.includes('/login?'))
    const body = { interaction }
    await expect(other.call('POST', `${server.origin}/api/qr`, { body })).rejects.toThrow('interaction_unknown')
    const resumed = await other.open(`${server.origin}/oidc/auth/${interaction}`)
    expect(resumed.response?.status).toBe(404)
    expect(await computer.call('POST', `${server.origin}/api/qr`, { body })).toMatchObject({ app: { name: 'Wiki' } })
  })

  test('is used once', async () => {
    const { signIn } = await wiki.signIn(computer, phone)
    const again = await get(server.origin + (signIn?.next ?? ''))
    expect([again.status, again.text]).toEqual([404, expect.stringContaining('Start again in the app')])
  })

  test('by POST is the same by GET', async () => {
    const { url } = await wiki.begin()
    const [path = '', query = ''] = url.split('?')
    const response = await computer.fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://wiki.example.com' },
      body: query,
    })
    expect([response.status, response.headers.get('location')]).toEqual([303, `/oidc/auth?${query}`])
    expect(response.headers.getSetCookie()).toEqual([])
  })

  test.each([
    ['an unknown client', 'client_id=nobody'],
    ['another redirect URI', 'redirect_uri=https%3A%2F%2Fevil.example%2F'],
  ])('of %s is a page that says so, in the language of the person', async (_, changed) => {
    const url = new URL((await wiki.begin()).url)
    const [name = '', value = ''] = changed.split('=')
    url.searchParams.set(name, decodeURIComponent(value))
    const english = await get(url.href)
    expect([english.status, english.text]).toEqual([400, expect.stringContaining('That app’s request is wrong')])
    computer = new UserAgent('zh-CN')
    expect((await get(url.href)).text).toContain('应用的请求有误')
    const plain = await fetch(url)
    expect([plain.status, plain.headers.get('content-type')]).toEqual([400, expect.stringMatching('json')])
  })

  test.each([
    ['en', 'zh-CN en', 'zh'],
    ['zh-CN', 'fr en-GB', 'en'],
    ['en', 'fr', null],
  ])('of a browser in %s with ui_locales=%s is answered in %s', async (browser, uiLocales, language) => {
    computer = new UserAgent(browser)
    await computer.open((await wiki.begin({ ui_locales: uiLocales })).url, (at) => at.includes('/login?'))
    const [jar = new Map()] = computer.cookies.values()
    expect(jar.get('qr_language') ?? null).toBe(language)
    // What a person has chosen stays.
    jar.set('qr_language', 'en')
    await computer.open((await wiki.begin({ ui_locales: 'zh' })).url, (at) => at.includes('/login?'))
    expect(jar.get('qr_language')).toBe('en')
  })

  test('is shown with the name of the app in the language of the person', async () => {
    const localized = await AppServer.start({ clients: [clientOf('wiki', { 'client_name#zh-CN': '维基' })] })
    const app = await OidcApp.discover(localized, 'wiki')
    const names = await Promise.all(
      ['zh-CN', 'en'].map(async (language) => {
        const theirs = await signedInPhone(localized.origin)
        return (await app.signIn(new UserAgent(language), theirs, { prompt: 'consent' })).signIn?.review.app?.name
      }),
    )
    await localized.stop()
    expect(names).toEqual(['维基', 'Wiki'])
  })

  test('leaves no cookie but the one that it belongs to', async () => {
    await wiki.signIn(computer, phone)
    const [names = new Map()] = computer.cookies.values()
    expect([...names.keys()].sort()).toEqual(['qr_app', 'qr_browser', 'qr_session'])
  })
})

test('the files of the store contain no code, token or client secret', async () => {
  const { tokens } = await chat.signIn(computer, phone, OFFLINE)
  const { url } = await chat.begin()
  await computer.open(url, (at) => at.startsWith(chat.redirectUri))
  const stored = server.readStore()
  expect(stored).toContain('chat')
  for (const secret of [tokens.access_token, tokens.refresh_token, CLIENT_SECRET]) expect(stored).not.toContain(secret)
})

test('wrong credentials of an app are counted', async () => {
  const limited = await AppServer.start({ clients: [clientOf('wiki')], env: { RATE_LIMIT_SCALE: '0.1' } })
  const send = () =>
    fetch(`${limited.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('wiki:wrong')}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x' }),
    })
  expect([(await send()).status, (await send()).status, (await send()).status]).toEqual([401, 401, 429])
  await limited.stop()
})
