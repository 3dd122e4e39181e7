import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, ORIGIN, signedInPhone, signInComputer } from '../../test/support/app'
import { AppSite, FILES, FORWARD_AUTH_ENV, locationOf, openOurs, PROXY, WIKI } from '../../test/support/app-site'
import { fromPeer } from '../../test/support/peer'

let app: App
let phone: Browser
let computer: Browser
let wiki: AppSite
beforeEach(async () => {
  app = new App(FORWARD_AUTH_ENV)
  phone = await signedInPhone(app, 'ada')
  computer = new Browser(app)
  wiki = new AppSite(app, WIKI)
})
afterEach(() => app.dispose())

describe('addresses', () => {
  /** None of them is a path of the app. */
  const HOSTILE = [
    'https://evil.example/',
    'http://wiki.example.com/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    'javascript:alert(1)',
    'data:text/html,a',
    '@evil.example',
    '.evil.example',
    ':443@evil.example',
    'evil.example',
    '?a',
    '#a',
    '',
    '%2F%2Fevil.example',
    '/.qr-login/start?return=/.qr-login/start',
    '/%2Eqr-login/callback?code=a',
    '/.QR-login/sign-out',
    '/a/../.qr-login/start',
    '/%zz',
    `/${'a'.repeat(3_000)}`,
    `/${'ü'.repeat(1_000)}`,
  ]

  test.each(HOSTILE)('%j as the page to return to is the start page of the app', async (value) => {
    await signInComputer(app, phone, computer)
    for (const name of ['return', 'rd', 'uri']) {
      const started = await wiki.open(`/.qr-login/start?${name}=${encodeURIComponent(value)}`)
      const callback = locationOf(await openOurs(computer, locationOf(started)))
      expect(callback).toMatch(/^https:\/\/wiki\.example\.com\/\.qr-login\/callback\?code=[\w-]{43}$/)
      const more = `&return=${encodeURIComponent(value)}&rd=${encodeURIComponent(value)}`
      expect(locationOf(await wiki.open(callback + more))).toBe(`https://${WIKI}/`)
    }
  })

  test.each(HOSTILE)('%j as the address of a request leads to our start page of the host', async (value) => {
    const headers = { Accept: 'text/html', 'X-Forwarded-Uri': value.replaceAll(/[\n\tü]/g, '') }
    const { origin, pathname } = new URL(locationOf(await wiki.ask('/', { headers }, '/authz/forward')))
    expect([origin, pathname]).toEqual([`https://${WIKI}`, '/.qr-login/start'])
  })

  test('a path of the app that looks like an address stays one', async () => {
    await signInComputer(app, phone, computer)
    for (const path of ['/https://a.example/?u=//b', '/a//b/@c', '/login?next=//evil.example', '/%2F%2Fevil.example']) {
      expect(locationOf(await wiki.open(await wiki.callbackOf(computer, path)))).toBe(`https://${WIKI}${path}`)
    }
  })

  test.each(['', 'a', 'a.b', '.', 'e30.', '__proto__', 'a'.repeat(5_000)])(
    'a request %s that this server has not made is refused by a page of ours',
    async (text) => {
      const response = await openOurs(computer, `/authz/sign-in?request=${text}`)
      expect(response.status).toBe(404)
      expect(locationOf(response)).toBe('')
      expect(response.headers.getSetCookie()).toEqual([])
    },
  )

  test('a request of another host cannot be made out of one, and one expires after 10 min', async () => {
    const page = await wiki.start('/')
    const [data = '', mac] = (new URL(page).searchParams.get('request') ?? '').split('.')
    const changed = Buffer.from(data, 'base64url').toString().replace(WIKI, 'evil.example.com')
    const forged = `${Buffer.from(changed).toString('base64url')}.${mac}`
    expect((await openOurs(computer, `/authz/sign-in?request=${forged}`)).status).toBe(404)
    app.now += 600_000
    expect((await openOurs(computer, page)).status).toBe(404)
  })

  test('a host that is no longer listed gets nothing', async () => {
    await signInComputer(app, phone, computer)
    const page = await wiki.start('/')
    app.restart({ FORWARD_AUTH_HOSTS: FILES })
    expect((await openOurs(computer, page)).status).toBe(404)
    expect((await wiki.ask('/')).status).toBe(403)
  })

  test('too many sign-ins of one address are refused, and leave nothing', async () => {
    const pages = await Promise.all(Array.from({ length: 61 }, async () => await wiki.start('/')))
    const statuses: number[] = []
    for (const page of pages) statuses.push((await openOurs(new Browser(app), page)).status)
    expect(statuses).toEqual([...Array(60).fill(303), 429])
  })
})

describe('names', () => {
  const statusUnder = async (host: string, path: string) => {
    const forwarded = { 'X-Forwarded-Host': WIKI, 'X-Forwarded-Proto': 'https', Host: host }
    return (await app.handle(new Request(ORIGIN + path, { headers: fromPeer(PROXY, forwarded) }))).status
  }

  test.each(['/.qr-login/start', '/authz/forward', '/authz/request/a'])(
    '%s is there under the name of an app',
    async (path) => {
      expect(await statusUnder(WIKI, path)).not.toBe(404)
      expect(await statusUnder('login.example.com', path)).not.toBe(404)
      expect(await statusUnder('evil.example', path)).toBe(404)
    },
  )

  test.each([
    '/api/session',
    '/api/qr',
    '/oidc/auth',
    '/.qr-login',
    '/.qr-login/',
    '/.qr-login/else',
    '/authz',
    '/authz/else',
  ])('%s is not there under the name of an app', async (path) => {
    expect(await statusUnder(WIKI, path)).toBe(404)
  })

  test('HSTS is not set for the host of an app', async () => {
    expect((await wiki.open('/.qr-login/start')).headers.has('strict-transport-security')).toBe(false)
    expect((await wiki.ask('/')).headers.has('strict-transport-security')).toBe(false)
    expect((await computer.send('GET', '/api/session')).headers.has('strict-transport-security')).toBe(true)
  })

  test('without FORWARD_AUTH_HOSTS there is nothing', async () => {
    app.restart({ FORWARD_AUTH_HOSTS: '' })
    expect([app.context.forwardAuth, app.context.appSignIns, app.context.apps]).toEqual([null, null, null])
    for (const path of ['/authz/request', '/authz/forward', '/authz/sign-in', '/authz/lost', '/.qr-login/start'])
      expect(await statusUnder('login.example.com', path)).toBe(404)
  })

  test('without CLIENTS_FILE there is no OpenID provider', async () => {
    expect(app.context.apps).toBeNull()
    expect((await computer.send('GET', '/oidc/jwks')).status).toBe(404)
  })
})
