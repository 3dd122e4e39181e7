import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { App, Browser, codeOf, ORIGIN, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import { AppServer } from '../../test/support/app-server'
import { AppSite, FILES, FORWARD_AUTH_ENV, locationOf, openOurs, PROXY, WIKI } from '../../test/support/app-site'
import { fromPeer } from '../../test/support/peer'
import { BEARER_ENV, secretToken } from '../../test/support/tokens'
import { UserAgent } from '../../test/support/user-agent'
import type { AttemptView, Review } from '../core/attempt/views'

const ADA = {
  'remote-user': 'ada',
  'remote-name': 'Ada Byron',
  'remote-email': 'ada@example.com',
  'remote-groups': 'admins',
}

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

const identityOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('remote-')))

/**
 * The phone confirms what the page for signing in shows. Returns the question, and where the page
 * goes on.
 */
async function signInAt(page: string): Promise<{ review: Review; next: string }> {
  const interaction = new URL(page, ORIGIN).searchParams.get('interaction') ?? ''
  const attempt = await computer.get<AttemptView>('POST', '/api/qr', { interaction })
  const review = await phone.get<Review>('POST', '/api/qr/scan', { code: codeOf(attempt) })
  await phone.get('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  return { review, ...(await computer.get<{ next: string }>('POST', `/api/qr/${attempt.id}/redeem`, { ticket })) }
}

describe('a sign-in', () => {
  test('by phone leads back to the page that was asked for, and names the person to the app', async () => {
    const refused = await wiki.ask('/page/1?q=%C3%BC&r=a+b')
    expect(refused.status).toBe(401)
    expect(locationOf(refused)).toBe(`https://${WIKI}/.qr-login/start?return=%2Fpage%2F1%3Fq%3D%25C3%25BC%26r%3Da%2Bb`)
    const started = await wiki.open(locationOf(refused))
    const page = locationOf(await openOurs(computer, locationOf(started)))
    expect(page).toMatch(/^\/login\?interaction=[\w-]{43}$/)
    const { review, next } = await signInAt(page)
    expect(review.app).toEqual({ name: WIKI, logoUrl: null, host: WIKI, scopes: null })
    const finished = await wiki.open(locationOf(await openOurs(computer, next)))
    expect([finished.status, locationOf(finished)]).toEqual([303, `https://${WIKI}/page/1?q=%C3%BC&r=a+b`])
    const allowed = await wiki.ask('/page/1')
    expect(allowed.status).toBe(200)
    expect(identityOf(allowed)).toEqual(ADA)
  })

  test('needs no scan where the computer is signed in, at every app', async () => {
    await signInComputer(app, phone, computer)
    await wiki.enter(computer)
    await new AppSite(app, FILES).enter(computer)
  })

  test('in two tabs at once leads both back', async () => {
    await signInComputer(app, phone, computer)
    const callbacks = [await wiki.callbackOf(computer, '/a'), await wiki.callbackOf(computer, '/b')]
    const ended = await Promise.all(callbacks.map(async (callback) => locationOf(await wiki.open(callback))))
    expect(ended).toEqual([`https://${WIKI}/a`, `https://${WIKI}/b`])
  })

  test('that the person declines to begin leads to the app without a session, and to no loop', async () => {
    const page = locationOf(await openOurs(computer, await wiki.start('/')))
    const id = new URL(page, ORIGIN).searchParams.get('interaction')
    const { next } = await computer.get<{ next: string }>('POST', `/api/interactions/${id}/decline`, {})
    const back = locationOf(await openOurs(computer, next))
    expect(back).toBe(`https://${WIKI}/.qr-login/callback?error=access_denied`)
    expect(locationOf(await wiki.open(back))).toBe(`${ORIGIN}/authz/lost`)
    expect((await wiki.ask('/')).status).toBe(401)
  })

  test('waits for the browser that was sent to us, and for no other one', async () => {
    const page = locationOf(await openOurs(computer, await wiki.start('/')))
    const id = new URL(page, ORIGIN).searchParams.get('interaction')
    const other = await signInComputer(app, phone)
    expect((await other.send('POST', '/api/qr', { body: { interaction: id } })).status).toBe(404)
    expect((await openOurs(other, `/authz/sign-in/${id}`)).status).toBe(404)
    expect(locationOf(await openOurs(computer, `/authz/sign-in/${id}`))).toBe(page)
  })

  test('begins with no picture or script of another page', async () => {
    const { pathname, search } = new URL(await wiki.start('/'), ORIGIN)
    const headers = { 'Sec-Fetch-Mode': 'no-cors' }
    const response = await computer.send('GET', pathname + search, { headers, site: 'cross-site' })
    expect([response.status, response.headers.getSetCookie()]).toEqual([403, []])
  })

  test('survives a rotation of the secret between its steps', async () => {
    await signInComputer(app, phone, computer)
    const page = await wiki.start('/')
    const old = 'a secret for tests that is long enough'
    app.restart({ SESSION_SECRET: `the next secret that is long enough,${old}` })
    const callback = locationOf(await openOurs(computer, page))
    expect((await wiki.open(callback)).status).toBe(303)
    expect((await wiki.ask('/')).status).toBe(200)
  })
})

describe('the check', () => {
  beforeEach(async () => {
    await signInComputer(app, phone, computer)
    await wiki.enter(computer)
  })

  test.each([
    ['the phone signs the computer out', async () => phone.send('DELETE', '/api/sessions')],
    ['the computer signs itself out', async () => computer.send('DELETE', '/api/session')],
    ['a new sign-in replaces the session', async () => signInComputer(app, phone, computer)],
    ['the session expires', async () => (app.now += 604_800_000)],
  ])('refuses the next request after %s', async (_, end) => {
    await end()
    expect((await wiki.ask('/')).status).toBe(401)
    expect((await wiki.ask('/', {}, '/authz/forward')).status).toBe(302)
  })

  test('counts as use of the session', async () => {
    for (let hours = 0; hours < 48; hours += 12) {
      app.now += 12 * 3_600_000
      expect((await wiki.ask('/')).status).toBe(200)
    }
  })

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'takes %s with any path below, as Envoy sends it',
    async (method) => {
      const { jar } = wiki
      const forwarded = { 'X-Forwarded-Host': WIKI, 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' }
      const body = method === 'GET' ? {} : { body: '<form>', headers: { ...forwarded, 'Content-Type': 'text/xml' } }
      const options = { headers: forwarded, site: 'cross-site', ...body }
      const path = '/authz/request//a/%7Bid%7D/?b=/c'
      expect(identityOf(await jar.send(method, path, options))).toEqual(ADA)
      await phone.send('DELETE', '/api/sessions')
      const refused = await jar.send(method, path, options)
      expect(refused.status).toBe(401)
      expect(locationOf(refused)).toBe(`https://${WIKI}/.qr-login/start?return=%2F`)
      const other = await jar.send(method, path.replace('//', '/'), options)
      expect(locationOf(other)).toBe(`https://${WIKI}/.qr-login/start?return=%2Fa%2F%257Bid%257D%2F%3Fb%3D%2Fc`)
    },
  )

  test.each([
    ['of a peer that is not a trusted proxy', '203.0.113.9', {}],
    ['without a peer', undefined, {}],
    ['for a host that is not listed', PROXY, { 'X-Forwarded-Host': 'other.example.com' }],
    ['for our own host', PROXY, { 'X-Forwarded-Host': 'login.example.com' }],
    ['for another port', PROXY, { 'X-Forwarded-Host': `${WIKI}:444` }],
    ['for two hosts', PROXY, { 'X-Forwarded-Host': `${WIKI}, ${WIKI}` }],
    ['for a host with a path', PROXY, { 'X-Forwarded-Host': `${WIKI}/` }],
    ['for a host with a name', PROXY, { 'X-Forwarded-Host': `a@${WIKI}` }],
    ['without a host', PROXY, { 'X-Forwarded-Host': null }],
    ['without a scheme', PROXY, { 'X-Forwarded-Proto': null }],
    ['over http', PROXY, { 'X-Forwarded-Proto': 'http' }],
    ['over two schemes', PROXY, { 'X-Forwarded-Proto': 'https, http' }],
  ])('%s is 403, also with a valid cookie', async (_, peer, changed) => {
    const cookie = [...wiki.jar.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const forwarded = { 'X-Forwarded-Host': WIKI, 'X-Forwarded-Proto': 'https', 'X-Forwarded-Uri': '/', ...changed }
    const given = Object.entries({ ...forwarded, Cookie: cookie }).filter(([, value]) => value !== null)
    const headers = Object.fromEntries(given) as Record<string, string>
    for (const path of ['/authz/request', '/authz/forward', '/.qr-login/start', '/.qr-login/callback?code=a']) {
      const response = await app.handle(new Request(ORIGIN + path, { headers: fromPeer(peer, headers) }))
      expect(await refusal(response)).toEqual({ status: 403, code: 'forward_refused' })
      expect(identityOf(response)).toEqual({})
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  test.each(['WIKI.example.com', `${WIKI}:443`])('takes the host as %s', async (name) => {
    const cookie = [...wiki.jar.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const headers = fromPeer(PROXY, { 'X-Forwarded-Host': name, 'X-Forwarded-Proto': 'https', Cookie: cookie })
    expect((await app.handle(new Request(`${ORIGIN}/authz/request`, { headers }))).status).toBe(200)
  })

  test('warns once per process of each mistake of a proxy', async () => {
    const warn = vi.spyOn(app.context.log, 'warn')
    for (const round of [1, 2]) {
      for (const host of [WIKI, `other${round}.example.com`]) {
        for (const peer of [PROXY, '203.0.113.9']) {
          const headers = fromPeer(peer, { 'X-Forwarded-Host': host })
          await app.handle(new Request(`${ORIGIN}/authz/request`, { headers }))
        }
      }
    }
    const messages = warn.mock.calls.map(([message]) => String(message))
    expect(messages.map((message) => /TRUSTED_PROXIES|not listed|X-Forwarded-Proto/.exec(message)?.[0]).sort()).toEqual(
      ['TRUSTED_PROXIES', 'X-Forwarded-Proto', 'not listed'],
    )
    expect(messages.join()).not.toContain('other1')
  })

  test('is 503 without the store: nothing passes', async () => {
    app.qrLogin.drain()
    await app.qrLogin.close()
    expect((await wiki.ask('/')).status).toBe(503)
    expect((await wiki.ask('/', {}, '/authz/forward')).status).toBe(503)
  })
})

test('names reach the proxy as UTF-8 on a real connection', async () => {
  const tokens = { ...BEARER_ENV, ...FORWARD_AUTH_ENV, TRUSTED_PROXIES: '127.0.0.0/8', PUBLIC_ORIGIN: ORIGIN }
  const server = await AppServer.start({ clients: [], env: tokens })
  const token = secretToken({ name: 'Zoë 李', preferred_username: '李雷', groups: ['süd', 'a,b'], exp: 4_000_000_000 })
  const native = { headers: { Authorization: `Bearer ${token}` } }
  const [desk, hand] = [new UserAgent(), new UserAgent()]
  const at = <T>(agent: UserAgent, method: string, path: string, options = {}) =>
    agent.call<T>(method, server.origin + path, options)
  const attempt = await at<AttemptView>(desk, 'POST', '/api/qr', { body: {} })
  const { claim } = await at<Review>(hand, 'POST', '/api/qr/scan', { ...native, body: { code: codeOf(attempt) } })
  await at(hand, 'POST', '/api/qr/confirm', { ...native, body: { claim } })
  const { ticket } = await at<AttemptView>(desk, 'GET', `/api/qr/${attempt.id}`)
  await at(desk, 'POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
  const forwarded = { 'X-Forwarded-Host': WIKI, 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' }
  const proxied = async (path: string) => await desk.fetch(server.origin + path, { headers: forwarded })
  const page = new URL(locationOf(await proxied('/.qr-login/start')))
  const callback = new URL(locationOf(await desk.fetch(server.origin + page.pathname + page.search)))
  await proxied(callback.pathname + callback.search)
  const { status, headers } = await proxied('/authz/request')
  const utf8 = (name: string) => Buffer.from(headers.get(name) ?? '', 'latin1').toString('utf8')
  expect([status, utf8('remote-user'), utf8('remote-name'), utf8('remote-groups')]).toEqual([
    200,
    '李雷',
    'Zoë 李',
    'süd',
  ])
  expect(headers.get('remote-email')).toBe('')
  await server.stop()
})

describe('a browser without a session', () => {
  test.each([
    ['a page', 'GET', { 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html' }, 302],
    ['a page without fetch metadata', 'GET', { Accept: 'text/html,*/*' }, 302],
    ['a form', 'POST', { 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html' }, 401],
    ['a form without fetch metadata', 'POST', { Accept: 'text/html' }, 401],
    ['fetch', 'GET', { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' }, 401],
    ['an image', 'GET', { 'Sec-Fetch-Mode': 'no-cors', Accept: 'image/*' }, 401],
    ['a WebSocket', 'GET', { 'Sec-Fetch-Mode': 'websocket', Upgrade: 'websocket' }, 401],
    ['curl', 'GET', { Accept: '*/*' }, 401],
    ['a client without headers', 'GET', {}, 401],
  ])('that requests %s (%s) is redirected or gets 401', async (_, method, headers, status) => {
    const forward = await wiki.ask('/x', { method, headers }, '/authz/forward')
    expect(forward.status).toBe(status)
    expect(locationOf(forward)).toBe(`https://${WIKI}/.qr-login/start?return=%2Fx`)
    expect(forward.headers.get('cache-control')).toBe('no-store')
    const request = await wiki.ask('/x', { method, headers })
    expect(request.status).toBe(401)
    expect(locationOf(request)).toBe(locationOf(forward))
    expect(request.headers.get('qr-login-navigation')).toBe(status === 302 ? '1' : null)
  })

  test('is not logged for each request, and refusals are', async () => {
    const audit = vi.spyOn(app.context, 'audit')
    await wiki.ask('/')
    expect(audit).not.toHaveBeenCalled()
    await new AppSite(app, 'other.example.com').ask('/')
    expect(audit).toHaveBeenCalledWith(expect.objectContaining({ event: 'refused', route: '/authz/request' }))
  })
})
