import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, ORIGIN, refusal } from '../../test/support/app'
import { OpenIdProvider } from '../../test/support/openid-provider'
import type { Person } from '../core/account/person'
import { openSqlite } from '../stores/sqlite/open'

const CALLBACK = '/api/phone/session/oidc/callback'
const CLIENT = {
  clientId: 'qr-login',
  clientSecret: 'a client secret that is long enough',
  redirectUri: ORIGIN + CALLBACK,
  signedOutUri: `${ORIGIN}/phone`,
}

let provider: OpenIdProvider
let app: App
let phone: Browser

beforeAll(async () => {
  provider = await OpenIdProvider.start(CLIENT)
})
afterAll(() => provider.stop())

const settingsOf = (issuer: string) => ({
  ACCOUNTS_OIDC_ISSUER: issuer,
  ACCOUNTS_OIDC_CLIENT_ID: CLIENT.clientId,
  ACCOUNTS_OIDC_CLIENT_SECRET: CLIENT.clientSecret,
  ACCOUNTS_OIDC_NAME: 'Example',
  OUTBOUND_ALLOW: '127.0.0.1',
})

beforeEach(() => {
  app = new App(settingsOf(provider.issuer))
  phone = new Browser(app)
})
afterEach(() => app.dispose())

async function begin(by: Browser, path = '/q'): Promise<string> {
  const { url } = await by.get<{ url: string }>('POST', '/api/phone/session/oidc', { return: path })
  return url
}

/** The browser follows the provider's redirect: a navigation that another site has caused. */
function comeBack(by: Browser, url: URL): Promise<Response> {
  return by.send('GET', url.pathname + url.search, { site: 'cross-site' })
}

const locationOf = (response: Response) => [response.status, response.headers.get('location')]
const sessionOf = (by: Browser) => by.get<{ signedIn: boolean; person?: Person }>('GET', '/api/phone/session')

describe('a phone that signs in at the provider', () => {
  test('is signed in as the provider says, and back where it was', async () => {
    const back = await provider.signIn(await begin(phone, '/q#the-code'), 'mei')
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q#the-code'])
    expect(await sessionOf(phone)).toMatchObject({
      signedIn: true,
      person: { id: 'mei', username: 'mei', email: 'mei@example.com', emailVerified: true, groups: ['staff'] },
    })
    expect([...phone.cookies.keys()]).toEqual(['__Host-qr_phone'])
  })

  test('by a form is sent to the provider', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const response = await phone.send('POST', '/api/phone/session/oidc', { body: 'return=%2Fphone', headers: form })
    const [status, location] = locationOf(response)
    expect([status, new URL(String(location)).origin]).toEqual([303, provider.issuer])
    const back = await provider.signIn(String(location), 'lin')
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/phone'])
  })

  test('that signs in again ends the session before', async () => {
    await comeBack(phone, await provider.signIn(await begin(phone), 'mei'))
    const before = phone.cookies.get('__Host-qr_phone') ?? ''
    await comeBack(phone, await provider.signIn(await begin(phone), 'lin'))
    expect((await sessionOf(phone)).person?.id).toBe('lin')
    phone.cookies.set('__Host-qr_phone', before)
    expect(await sessionOf(phone)).toEqual({ signedIn: false })
  })

  test('and cancels there is told so on the page it came from', async () => {
    const back = await provider.signIn(await begin(phone, '/q#the-code'), null)
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q?sign_in=denied#the-code'])
    expect(await sessionOf(phone)).toEqual({ signedIn: false })
    expect([...phone.cookies]).toEqual([])
  })

  test('comes back to its page when the store fails at the end', async () => {
    const back = await provider.signIn(await begin(phone), 'mei')
    openSqlite(app.folder, 'qr-login.db', 'DROP TABLE sessions;').close()
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q?sign_in=unavailable'])
  })

  test('is told when the provider is away at the end, and when it is away from the start', async () => {
    const away = await OpenIdProvider.start(CLIENT)
    app.dispose()
    app = new App(settingsOf(away.issuer))
    phone = new Browser(app)
    const back = await away.signIn(await begin(phone), 'mei')
    await away.stop()
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q?sign_in=unavailable'])
    app.restart()
    const refused = await phone.send('POST', '/api/phone/session/oidc', { body: {} })
    expect([await refusal(refused), refused.headers.get('retry-after')]).toEqual([
      { status: 503, code: 'unavailable' },
      '5',
    ])
  })
})

describe('a response of the provider is refused', () => {
  const rejected = [303, '/q?sign_in=rejected']

  test('in a browser that has begun nothing (login CSRF)', async () => {
    const back = await provider.signIn(await begin(phone), 'mei')
    const victim = new Browser(app)
    expect(locationOf(await comeBack(victim, back))).toEqual([303, '/phone?sign_in=rejected'])
    expect([...victim.cookies]).toEqual([])
  })

  test('in a browser that has begun another sign-in', async () => {
    const back = await provider.signIn(await begin(phone), 'mei')
    const victim = new Browser(app)
    await begin(victim)
    expect(locationOf(await comeBack(victim, back))).toEqual(rejected)
    expect(await sessionOf(victim)).toEqual({ signedIn: false })
  })

  test('a second time, and it ends no session', async () => {
    const url = await begin(phone)
    const pending = phone.cookies.get('__Host-qr_oidc') ?? ''
    const back = await provider.signIn(url, 'mei')
    await comeBack(phone, back)
    phone.cookies.set('__Host-qr_oidc', pending)
    expect(locationOf(await comeBack(phone, back))).toEqual(rejected)
    expect((await sessionOf(phone)).person?.id).toBe('mei')
  })

  test('later than 15 minutes after it began', async () => {
    const back = await provider.signIn(await begin(phone), 'mei')
    const pending = phone.cookies.get('__Host-qr_oidc') ?? ''
    app.now += 15 * 60_000
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/phone?sign_in=rejected'])
    app.now -= 1
    phone.cookies.set('__Host-qr_oidc', pending)
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q'])
  })

  test('with a foreign state, which does not end the sign-in that has begun', async () => {
    const first = await provider.signIn(await begin(phone), 'mei')
    const second = await provider.signIn(await begin(phone), 'mei')
    const foreign = new URL(`${ORIGIN}${CALLBACK}?code=x&state=y`)
    // Another tab, and a page of another site.
    for (const back of [first, foreign]) expect(locationOf(await comeBack(phone, back))).toEqual(rejected)
    expect(locationOf(await comeBack(phone, second))).toEqual([303, '/q'])
  })

  test('with the cookie of another purpose', async () => {
    const back = await provider.signIn(await begin(phone), 'mei')
    const other = new Browser(app)
    await other.start()
    other.cookies.set('__Host-qr_oidc', other.cookies.get('__Host-qr_browser') ?? '')
    expect(locationOf(await comeBack(other, back))).toEqual([303, '/phone?sign_in=rejected'])
  })
})

describe('beginning a sign-in', () => {
  test('from a page of another site is refused', async () => {
    for (const headers of [{}, { 'Content-Type': 'application/x-www-form-urlencoded' }]) {
      const refused = await phone.send('POST', '/api/phone/session/oidc', { headers, site: 'cross-site' })
      expect(await refusal(refused)).toEqual({ status: 403, code: 'cross_site' })
    }
  })

  test.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'q',
    '/.//evil.example',
    '',
    `/${'x'.repeat(300)}`,
    `/${'登'.repeat(200)}`,
    `/q#${'\\'.repeat(100)}`,
  ])('never leads back to %s', async (path) => {
    const refused = await phone.send('POST', '/api/phone/session/oidc', { body: { return: path } })
    expect(await refusal(refused)).toEqual({ status: 400, code: 'bad_request' })
    expect([...phone.cookies]).toEqual([])
  })

  test('is possible 60 times a minute from one address, the way back included', async () => {
    const back = await provider.signIn(await begin(phone), 'mei')
    const others = new Browser(app)
    const answers = await Promise.all(Array.from({ length: 70 }, () => others.send('POST', '/api/phone/session/oidc')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(59)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(11)
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q?sign_in=unavailable'])
    app.now += 60_000
    expect(locationOf(await comeBack(phone, back))).toEqual([303, '/q'])
  })

  test('without a provider in the settings: the paths do not exist, and it is no source', async () => {
    expect(await phone.get('GET', '/api/phone/sources')).toEqual({
      sources: [{ kind: 'oidc', name: 'Example' }, { kind: 'passkey' }, { kind: 'demo' }],
    })
    app.dispose()
    app = new App()
    phone = new Browser(app)
    for (const [method, path] of [
      ['POST', '/api/phone/session/oidc'],
      ['GET', `${CALLBACK}?code=x`],
    ] as const) {
      expect(await refusal(await phone.send(method, path))).toEqual({ status: 404, code: 'not_found' })
    }
    expect(await phone.get('GET', '/api/phone/sources')).toEqual({ sources: [{ kind: 'passkey' }, { kind: 'demo' }] })
  })
})
