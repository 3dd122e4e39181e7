import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import { BEARER_ENV, NativeApp } from '../../test/support/tokens'
import type { PhoneView } from '../core/session/session'

let app: App
let first: Browser
let second: Browser

beforeEach(async () => {
  app = new App(BEARER_ENV)
  first = await signedInPhone(app, 'ada')
  app.now += 1_000
  second = await signedInPhone(app, 'ada')
})
afterEach(() => app.dispose())

const listOf = async (by: Browser) => (await by.get<{ phones: PhoneView[] }>('GET', '/api/phones')).phones
const isSignedIn = async (by: Browser) => (await by.get<{ signedIn: boolean }>('GET', '/api/phone/session')).signedIn

describe('the phones of a person', () => {
  test('are listed to each of them, newest first, with the requesting one as current', async () => {
    await signedInPhone(app, 'lin')
    const phones = await listOf(first)
    expect(phones.map(({ current }) => current)).toEqual([false, true])
    expect(phones[0]).toEqual({
      id: expect.stringMatching(/^[\w-]{32}$/),
      browser: 'Firefox',
      os: 'Linux',
      place: null,
      signedInAt: new Date(app.now).toISOString(),
      lastSeenAt: new Date(app.now).toISOString(),
      current: false,
    })
  })

  test('can be signed out one by one, with immediate effect, and cannot confirm any more', async () => {
    const [other] = await listOf(first)
    const attempt = await new Browser(app).start()
    const { claim } = await second.scan(attempt)
    expect((await first.send('DELETE', `/api/phones/${other?.id}`)).status).toBe(204)
    expect(await isSignedIn(second)).toBe(false)
    expect((await second.send('POST', '/api/qr/confirm', { body: { claim } })).status).toBe(401)
    expect((await first.send('DELETE', `/api/phones/${other?.id}`)).status).toBe(404)
    expect(await listOf(first)).toHaveLength(1)
  })

  test('can all be signed out but the requesting one; computers stay', async () => {
    const computer = await signInComputer(app, second)
    await signedInPhone(app, 'ada')
    expect((await first.send('DELETE', '/api/phones')).status).toBe(204)
    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([true, false])
    expect(await listOf(first)).toHaveLength(1)
    expect(await computer.get('GET', '/api/session')).toMatchObject({ signedIn: true })
  })

  test('are not accessible to another person or a computer', async () => {
    const lin = await signedInPhone(app, 'lin')
    const [ada] = await listOf(first)
    expect((await lin.send('DELETE', `/api/phones/${ada?.id}`)).status).toBe(404)
    const computer = await signInComputer(app, first)
    const [own] = (await computer.get<{ sessions: { id: string }[] }>('GET', '/api/sessions')).sessions
    for (const [method, path] of [
      ['GET', '/api/phones'],
      ['DELETE', '/api/phones'],
      ['DELETE', `/api/phones/${ada?.id}`],
    ] as const) {
      expect(await refusal(await computer.send(method, path))).toEqual({ status: 401, code: 'unauthenticated' })
    }
    // The id of a computer's session is not one of a phone.
    expect((await first.send('DELETE', `/api/phones/${own?.id}`)).status).toBe(404)
    expect((await first.send('DELETE', '/api/phones/x')).status).toBe(404)
    expect(await isSignedIn(first)).toBe(true)
  })

  test('with a bearer token are not listed, but get the list', async () => {
    const native = new NativeApp(app)
    expect(await (await native.send('GET', '/api/phones')).json()).toEqual({ phones: [] })
  })

  test('are signed out after 30 days without use, and not earlier', async () => {
    const DAY_MS = 86_400_000
    app.now += 29 * DAY_MS
    expect(await isSignedIn(first)).toBe(true)
    app.now += 29 * DAY_MS
    expect(await isSignedIn(first)).toBe(true)
    expect(await isSignedIn(second)).toBe(false)
    expect(await listOf(first)).toHaveLength(1)
  })

  test('are signed out after 90 days, even with use', async () => {
    const DAY_MS = 86_400_000
    for (let month = 0; month < 3; month += 1) {
      app.now += 29 * DAY_MS
      expect(await isSignedIn(first)).toBe(true)
    }
    app.now += 3 * DAY_MS
    expect(await isSignedIn(first)).toBe(false)
  })

  test('are at most 100: a further one signs out the oldest', async () => {
    for (let count = 2; count < 101; count += 1) {
      app.now += 61_000
      await signedInPhone(app, 'ada')
    }
    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([false, true])
    expect(await listOf(second)).toHaveLength(100)
  })
})

test('PHONE_IDLE_TTL_S sets the time without use', async () => {
  app.dispose()
  app = new App({ PHONE_IDLE_TTL_S: '60' })
  const phone = await signedInPhone(app, 'ada')
  app.now += 59_999
  expect(await isSignedIn(phone)).toBe(true)
  app.now += 60_000
  expect(await isSignedIn(phone)).toBe(false)
})

describe('a notice', () => {
  const sessionsOf = async (by: Browser) =>
    (await by.get<{ sessions: { id: string; acknowledged: boolean }[] }>('GET', '/api/sessions')).sessions

  test('is stored for every phone until one of them acknowledges it', async () => {
    await signInComputer(app, first)
    app.restart()
    const [before] = await sessionsOf(second)
    expect(before?.acknowledged).toBe(false)
    expect((await second.send('POST', `/api/sessions/${before?.id}/acknowledge`)).status).toBe(204)
    expect((await second.send('POST', `/api/sessions/${before?.id}/acknowledge`)).status).toBe(204)
    expect(await sessionsOf(first)).toMatchObject([{ id: before?.id, acknowledged: true }])
  })

  test('can be acknowledged by a phone of the person only', async () => {
    const computer = await signInComputer(app, first)
    const [session] = await sessionsOf(first)
    const path = `/api/sessions/${session?.id}/acknowledge`
    expect((await computer.send('POST', path)).status).toBe(401)
    expect((await (await signedInPhone(app, 'lin')).send('POST', path)).status).toBe(404)
    expect((await first.send('POST', path, { site: 'cross-site' })).status).toBe(403)
    expect(await sessionsOf(first)).toMatchObject([{ acknowledged: false }])
  })
})
