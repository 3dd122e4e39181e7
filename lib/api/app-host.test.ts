import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { App, Browser, ORIGIN, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import { AppSite, FILES, FORWARD_AUTH_ENV, locationOf, openOurs, WIKI } from '../../test/support/app-site'
import { openSqlite } from '../stores/sqlite/open'

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

/** All records, as text. */
function storeOf({ folder }: App): string {
  const database = openSqlite(folder, 'qr-login.db', '')
  const rows = database.prepare('SELECT * FROM records').all()
  database.close()
  return JSON.stringify(rows)
}

describe('the one-time code', () => {
  let callback: string
  beforeEach(async () => {
    await signInComputer(app, phone, computer)
    callback = await wiki.callbackOf(computer)
  })
  const expectRefused = async (response: Response) => {
    expect(locationOf(response)).toBe(`${ORIGIN}/authz/lost`)
    expect(response.headers.getSetCookie()).toEqual([])
  }

  test('works in the browser that asked, and is used up by another one', async () => {
    const victim = new AppSite(app, WIKI)
    await victim.start('/')
    await expectRefused(await victim.open(callback))
    expect((await victim.ask('/')).status).toBe(401)
    await expectRefused(await wiki.open(callback))
  })

  test('works in no browser without a secret', async () => {
    await expectRefused(await new AppSite(app, WIKI).open(callback))
  })

  test('works once, also for fifty requests at once', async () => {
    const responses = await Promise.all(Array.from({ length: 50 }, async () => await wiki.open(callback)))
    expect(responses.filter((response) => response.headers.getSetCookie().length > 0)).toHaveLength(1)
    await expectRefused(await wiki.open(callback))
  })

  test('works for 60 s', async () => {
    app.now += 60_000
    await expectRefused(await wiki.open(callback))
  })

  test('works at its own host only', async () => {
    const files = new AppSite(app, FILES)
    await files.start('/')
    await expectRefused(await files.open(callback))
  })

  test('is worth nothing after a sign-out', async () => {
    await phone.send('DELETE', '/api/sessions')
    await expectRefused(await wiki.open(callback))
  })

  test('is neither in the store nor in the log, which names the app and the person', async () => {
    const code = new URL(callback).searchParams.get('code') ?? ''
    expect(code).toMatch(/^[\w-]{43}$/)
    expect(storeOf(app)).toContain('app-code ')
    expect(storeOf(app)).not.toContain(code)
    vi.spyOn(app.context.log, 'isLevelEnabled').mockReturnValue(true)
    const info = vi.spyOn(app.context.log, 'info')
    await wiki.open(callback)
    const lines = info.mock.calls.map(([line]) => line as unknown)
    const hash = expect.stringMatching(/^[0-9a-f]{12}$/)
    expect(lines).toEqual([expect.objectContaining({ event: 'app.opened', app: WIKI, person: hash, session: hash })])
    expect(JSON.stringify(lines)).not.toContain(code)
  })

  test.each([
    '',
    'code=',
    'code=a',
    'code=%00',
    `code=${'a'.repeat(43)}`,
    `code=${'a'.repeat(4096)}`,
    'error=access_denied&code=',
  ])('%s is refused, and leads to our own page', async (query) => {
    const response = await wiki.open(`/.qr-login/callback?${query}`)
    await expectRefused(response)
    const page = await openOurs(computer, locationOf(response))
    expect([page.status, await page.text()]).toEqual([404, expect.stringContaining('Start again in the app')])
  })
})

describe('a cookie of an app’s host', () => {
  beforeEach(async () => {
    await signInComputer(app, phone, computer)
    await wiki.enter(computer)
  })

  test('has the __Host- prefix, and no script reads it', async () => {
    const callback = await wiki.callbackOf(computer)
    const lines = [
      ...(await wiki.open('/.qr-login/start')).headers.getSetCookie(),
      ...(await wiki.open(callback)).headers.getSetCookie(),
    ]
    expect(lines.map((line) => line.split('=')[0])).toEqual(['__Host-qr_app_state', '__Host-qr_app_session'])
    for (const line of lines) expect(line).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  })

  test.each(['__Host-qr_app_session', '__Host-qr_app_state'])('%s is useless at another host', async (name) => {
    const files = new AppSite(app, FILES)
    files.jar.cookies.set(name, wiki.jar.cookies.get(name) ?? '')
    expect((await files.ask('/')).status).toBe(401)
    const callback = await wiki.callbackOf(computer)
    expect(locationOf(await files.open(callback))).toBe(`${ORIGIN}/authz/lost`)
  })

  test('is useless at our own origin, and our cookies are useless there', async () => {
    const seal = wiki.jar.cookies.get('__Host-qr_app_session') ?? ''
    const thief = new Browser(app)
    thief.cookies.set('__Host-qr_session', seal)
    expect(await thief.get('GET', '/api/session')).toEqual({ signedIn: false })
    const other = new AppSite(app, WIKI)
    other.jar.cookies.set('__Host-qr_app_session', computer.cookies.get('__Host-qr_session') ?? '')
    expect((await other.ask('/')).status).toBe(401)
  })
})

describe('a sign-out at the app', () => {
  beforeEach(async () => {
    await signInComputer(app, phone, computer)
    await wiki.enter(computer)
  })
  const post = (headers: Record<string, string>) => wiki.open('/.qr-login/sign-out', { method: 'POST', headers })

  test('ends the session of the computer, and with it that of every app', async () => {
    const files = new AppSite(app, FILES)
    await files.enter(computer)
    const response = await post({ 'Sec-Fetch-Site': 'same-origin' })
    expect([response.status, response.headers.get('clear-site-data')]).toEqual([204, '"cache"'])
    expect(wiki.jar.cookies.has('__Host-qr_app_session')).toBe(false)
    expect((await wiki.ask('/')).status).toBe(401)
    expect((await files.ask('/')).status).toBe(401)
    expect(await computer.get('GET', '/api/session')).toEqual({ signedIn: false })
    expect((await post({ 'Sec-Fetch-Site': 'same-origin' })).status).toBe(204)
  })

  test('with a form leads to our home page', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: `https://${WIKI}` }
    const response = await post(form)
    expect([response.status, locationOf(response)]).toEqual([303, `${ORIGIN}/`])
  })

  test.each([
    [{ 'Sec-Fetch-Site': 'cross-site' }],
    [{ 'Sec-Fetch-Site': 'same-site' }],
    [{ Origin: 'https://evil.example' }],
    [{ Origin: ORIGIN }],
    [{ Origin: `https://${FILES}` }],
    [{}],
  ])('is refused to a page of another site: %j', async (headers) => {
    expect(await refusal(await post(headers))).toEqual({ status: 403, code: 'cross_site' })
    expect((await wiki.ask('/')).status).toBe(200)
  })

  test('is not offered to a link', async () => {
    expect((await wiki.open('/.qr-login/sign-out')).status).toBe(405)
    expect((await wiki.ask('/')).status).toBe(200)
  })
})
