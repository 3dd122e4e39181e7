import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import type { SessionView } from '../core/session/session'

let app: App
let phone: Browser

beforeEach(async () => {
  app = new App()
  phone = await signedInPhone(app, 'ada')
})
afterEach(() => app.dispose())

const listOf = async (browser: Browser, query = '') =>
  (await browser.get<{ sessions: SessionView[] }>('GET', `/api/sessions${query}`)).sessions

const isSignedIn = async (browser: Browser) =>
  (await browser.get<{ signedIn: boolean }>('GET', '/api/session')).signedIn

describe('the phone', () => {
  test('signs in with the right password only', async () => {
    const newPhone = new Browser(app)
    expect(await newPhone.get('GET', '/api/phone/session')).toEqual({ signedIn: false })
    for (const [username, password] of [
      ['ada', 'wrong'],
      ['nobody', 'demo'],
      ['__proto__', 'demo'],
      ['constructor', 'demo'],
    ]) {
      const response = await newPhone.send('POST', '/api/phone/session', { body: { username, password } })
      expect(await refusal(response)).toEqual({ status: 401, code: 'credentials_wrong' })
    }
    await newPhone.signInPhone('yuki')
    expect(await newPhone.get('GET', '/api/phone/session')).toMatchObject({ signedIn: true, person: { id: 'yuki' } })
  })

  test('cannot sign in without DEMO_ACCOUNTS', async () => {
    app.dispose()
    app = new App({ DEMO_ACCOUNTS: 'false' })
    const body = { username: 'ada', password: 'demo' }
    const response = await new Browser(app).send('POST', '/api/phone/session', { body })
    expect(await refusal(response)).toEqual({ status: 401, code: 'credentials_wrong' })
  })

  test('that signs in again ends its older session', async () => {
    const older = new Map(phone.cookies)
    await phone.signInPhone('lin')
    const otherBrowser = new Browser(app)
    for (const [name, value] of older) otherBrowser.cookies.set(name, value)
    expect(await otherBrowser.get('GET', '/api/phone/session')).toEqual({ signedIn: false })
  })

  test('that is signed out can neither confirm nor cancel what it scanned, not even after a new sign-in', async () => {
    const computer = new Browser(app)
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    const cookies = new Map(phone.cookies)
    await phone.send('DELETE', '/api/phone/session')
    const requests = ['confirm', 'cancel'].map((step) => ({ path: `/api/qr/${step}`, body: { claim } }))
    for (const [name, value] of cookies) phone.cookies.set(name, value)
    for (const { path, body } of requests) {
      expect(await refusal(await phone.send('POST', path, { body }))).toEqual({ status: 401, code: 'unauthenticated' })
    }
    await phone.signInPhone('ada')
    for (const { path, body } of requests) {
      expect(await refusal(await phone.send('POST', path, { body }))).toEqual({ status: 404, code: 'claim_unknown' })
    }
    expect(await computer.get('GET', `/api/qr/${attempt.id}`)).toMatchObject({ status: 'scanned' })
  })

  test('signs out, and its computers stay', async () => {
    const computer = await signInComputer(app, phone)
    const cookies = new Map(phone.cookies)
    expect((await phone.send('DELETE', '/api/phone/session')).status).toBe(204)
    expect(phone.cookies.size).toBe(0)
    for (const [name, value] of cookies) phone.cookies.set(name, value)
    expect(await phone.get('GET', '/api/phone/session')).toEqual({ signedIn: false })
    expect(await isSignedIn(computer)).toBe(true)
  })
})

describe('the list', () => {
  test('has the person’s computers, with the requesting one as current', async () => {
    const first = await signInComputer(app, phone)
    app.now += 1_000
    await signInComputer(app, phone)
    await signInComputer(app, await signedInPhone(app, 'lin'))
    const fromPhone = await listOf(phone)
    expect(fromPhone).toHaveLength(2)
    expect(fromPhone.map(({ current }) => current)).toEqual([false, false])
    expect(fromPhone[0]).toEqual({
      app: null,
      id: expect.any(String),
      browser: 'Firefox',
      os: 'Linux',
      place: null,
      signedInAt: new Date(app.now).toISOString(),
      lastSeenAt: new Date(app.now).toISOString(),
      current: false,
      method: 'qr',
      acknowledged: false,
    })
    expect((await listOf(first)).map(({ current }) => current)).toEqual([false, true])
  })

  test('is refused without a session', async () => {
    for (const [method, path] of [
      ['GET', '/api/sessions'],
      ['DELETE', '/api/sessions'],
      ['DELETE', '/api/sessions/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
      ['GET', '/api/account/events'],
    ] as const) {
      expect(await refusal(await new Browser(app).send(method, path))).toEqual({ status: 401, code: 'unauthenticated' })
    }
  })

  test('of a browser that is phone and computer follows the parameter `as`', async () => {
    const both = await signInComputer(app, phone, await signedInPhone(app, 'lin'))
    expect((await listOf(both)).map(({ current }) => current)).toEqual([true])
    expect((await listOf(both, '?as=computer')).map(({ current }) => current)).toEqual([true])
    expect(await listOf(both, '?as=phone')).toEqual([])
    expect(await refusal(await both.send('GET', '/api/sessions?as=toaster'))).toEqual({
      status: 400,
      code: 'bad_request',
    })
  })
})

describe('signing out', () => {
  test('a computer from the phone takes effect on its next request', async () => {
    const computer = await signInComputer(app, phone)
    const [session] = await listOf(phone)
    expect((await phone.send('DELETE', `/api/sessions/${session?.id}`)).status).toBe(204)
    expect(await isSignedIn(computer)).toBe(false)
    expect((await computer.send('GET', '/api/sessions')).status).toBe(401)
    expect(await refusal(await phone.send('DELETE', `/api/sessions/${session?.id}`))).toEqual({
      status: 404,
      code: 'not_found',
    })
  })

  test('another person’s computer is 404', async () => {
    const computer = await signInComputer(app, phone)
    const [session] = await listOf(phone)
    const lin = await signedInPhone(app, 'lin')
    for (const id of [session?.id, 'unknown']) {
      expect(await refusal(await lin.send('DELETE', `/api/sessions/${id}`))).toEqual({ status: 404, code: 'not_found' })
    }
    expect(await isSignedIn(computer)).toBe(true)
  })

  test('the cookie of a phone session is not one of a computer', async () => {
    const [, seal] = [...phone.cookies][0] ?? []
    const otherBrowser = new Browser(app)
    otherBrowser.cookies.set('__Host-qr_session', seal ?? '')
    expect(await isSignedIn(otherBrowser)).toBe(false)
  })

  test('everywhere signs out every computer from the phone, and all others from a computer', async () => {
    const computers = [
      await signInComputer(app, phone),
      await signInComputer(app, phone),
      await signInComputer(app, phone),
    ]
    const [own, ...others] = computers as [Browser, ...Browser[]]
    expect((await own.send('DELETE', '/api/sessions')).status).toBe(204)
    expect(await isSignedIn(own)).toBe(true)
    for (const other of others) expect(await isSignedIn(other)).toBe(false)
    await phone.send('DELETE', '/api/sessions')
    expect(await isSignedIn(own)).toBe(false)
  })

  test('here clears cookie and cache, keeps phone and "known", and a repeat is 204', async () => {
    const computer = await signInComputer(app, phone, phone)
    const response = await computer.send('DELETE', '/api/session')
    expect([response.status, response.headers.get('Clear-Site-Data')]).toEqual([204, '"cache"'])
    expect(await isSignedIn(computer)).toBe(false)
    expect(await phone.get('GET', '/api/phone/session')).toMatchObject({ signedIn: true })
    expect((await computer.send('DELETE', '/api/session')).status).toBe(204)
    const review = await phone.scan(await computer.start())
    expect(review.computer.known).toBe(true)
  })
})

test('a new SESSION_SECRET without the old one signs every device out', async () => {
  const computer = await signInComputer(app, phone)
  app.restart()
  expect(await isSignedIn(computer)).toBe(true)
  app.restart({ SESSION_SECRET: 'another secret for tests that is long enough' })
  expect(await isSignedIn(computer)).toBe(false)
  expect(await phone.get('GET', '/api/phone/session')).toEqual({ signedIn: false })
})

describe('a session expires', () => {
  test('after 24 h without use', async () => {
    const computer = await signInComputer(app, phone)
    app.now += 86_399_000
    expect(await isSignedIn(computer)).toBe(true)
    app.now += 86_399_000
    expect(await isSignedIn(computer)).toBe(true)
    app.now += 86_400_000
    expect(await isSignedIn(computer)).toBe(false)
    expect(await listOf(phone)).toEqual([])
  })

  test('after 7 days, even with use', async () => {
    const computer = await signInComputer(app, phone)
    for (let hours = 0; hours < 7 * 24 - 1; hours += 1) {
      app.now += 3_600_000
      expect(await isSignedIn(computer)).toBe(true)
    }
    app.now += 3_600_000
    expect(await isSignedIn(computer)).toBe(false)
  })
})
