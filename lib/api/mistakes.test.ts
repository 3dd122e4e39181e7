import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  App,
  Browser,
  codeOf,
  dataOf,
  readFrames,
  refusal,
  signedInPhone,
  signInComputer,
} from '../../test/support/app'
import type { AttemptView } from '../core/attempt/views'

/** Mistakes of real QR sign-ins (USENIX Security 2025, published advisories). */

let app: App
let computer: Browser
let phone: Browser

beforeEach(async () => {
  app = new App()
  computer = new Browser(app)
  phone = await signedInPhone(app, 'ada')
})
afterEach(() => app.dispose())

test('another browser with the id of an attempt gets the 404 of an unknown id on every route', async () => {
  const attempt = await computer.start()
  const { claim } = await phone.scan(attempt)
  await phone.get('POST', '/api/qr/confirm', { claim })
  const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  const attacker = new Browser(app)
  const attackerWithSecret = new Browser(app)
  await attackerWithSecret.start()
  const requests: [string, string, unknown?][] = [
    ['GET', ''],
    ['GET', '?after=0&waitMs=1000'],
    ['GET', '/events'],
    ['POST', '/match', { number: '42' }],
    ['POST', '/redeem', { ticket }],
    ['DELETE', ''],
  ]
  for (const [method, suffix, body] of requests) {
    const responses = []
    for (const browser of [attacker, attackerWithSecret, phone]) {
      for (const id of [attempt.id, 'unknown-unknown-', 'x', '%00', 'a'.repeat(300)]) {
        const response = await browser.send(method, `/api/qr/${id}${suffix}`, body === undefined ? {} : { body })
        const { requestId, ...problem } = (await response.json()) as Record<string, unknown>
        expect(requestId).toEqual(expect.any(String))
        const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'x-request-id'))
        responses.push(JSON.stringify([response.status, problem, headers]))
      }
    }
    expect(new Set(responses).size, `${method} ${suffix}`).toBe(1)
    expect(responses[0]).toContain('[404,')
  }
  expect(await computer.get('GET', `/api/qr/${attempt.id}`)).toMatchObject({ status: 'confirmed' })
})

test('only the phone that scanned can confirm or cancel: another one gets 404 even with its claim', async () => {
  const { claim } = await phone.scan(await computer.start())
  const lin = await signedInPhone(app, 'lin')
  const adasOther = await signedInPhone(app, 'ada')
  for (const other of [lin, adasOther]) {
    for (const step of ['confirm', 'cancel']) {
      const response = await other.send('POST', `/api/qr/${step}`, { body: { claim } })
      expect(await refusal(response)).toEqual({ status: 404, code: 'claim_unknown' })
    }
  }
})

test('an attempt that is scanned but not confirmed expires in time, with a new version', async () => {
  const attempt = await computer.start()
  const { claim } = await phone.scan(attempt)
  app.now += 119_999
  expect(await computer.get('GET', `/api/qr/${attempt.id}`)).toMatchObject({ status: 'scanned', expiresInMs: 1 })
  app.now += 1
  expect(await computer.get('GET', `/api/qr/${attempt.id}`)).toMatchObject({
    status: 'expired',
    version: 3,
    expiresInMs: 0,
  })
  const late = await phone.send('POST', '/api/qr/confirm', { body: { claim } })
  expect(await refusal(late)).toEqual({ status: 410, code: 'attempt_ended' })
})

test('a missed message loses no sign-in: the state can always be requested', async () => {
  const attempt = await computer.start()
  const { claim } = await phone.scan(attempt)
  await phone.get('POST', '/api/qr/confirm', { claim })
  const stream = await computer.send('GET', `/api/qr/${attempt.id}/events`)
  const [first] = await readFrames(stream, 1)
  expect(dataOf(first)).toMatchObject({ status: 'confirmed', ticket: expect.any(String) })
  const longPoll = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}?after=1&waitMs=20000`)
  expect(longPoll.ticket).toEqual(expect.any(String))
})

test('the session token is in an HttpOnly cookie only: not in a URL, a stream or a body', async () => {
  const attempt = await computer.start()
  const stream = await computer.send('GET', `/api/qr/${attempt.id}/events`)
  const frames = readFrames(stream)
  const { claim } = await phone.scan(attempt)
  await phone.get('POST', '/api/qr/confirm', { claim })
  const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  const redeemed = await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
  const [line = ''] = redeemed.headers.getSetCookie()
  expect(line).toMatch(/; HttpOnly/)
  const seal = line.split(';')[0]?.split('=')[1] ?? ''
  const visible = [...(await frames), await redeemed.text(), redeemed.headers.get('location') ?? ''].join('\n')
  expect(seal.length).toBeGreaterThan(40)
  expect(visible).not.toContain(seal)
  expect(visible).toContain('"redeemed"')
})

test('the id of a session in a stream or list cannot be used as a cookie', async () => {
  const signedIn = await signInComputer(app, phone)
  const { session } = await signedIn.get<{ session: { id: string } }>('GET', '/api/session')
  const [name = ''] = [...signedIn.cookies.keys()].filter((key) => key.includes('session'))
  const attacker = new Browser(app)
  attacker.cookies.set(name, session.id)
  expect(await attacker.get('GET', '/api/session')).toEqual({ signedIn: false })
})

test('a GET changes nothing: not the attempt, not the sessions, not the cookies', async () => {
  const signedIn = await signInComputer(app, phone)
  const attempt = await computer.start()
  const code = codeOf(attempt)
  const paths = [
    `/api/qr/${attempt.id}`,
    '/api/session',
    '/api/sessions',
    '/api/phone/session',
    '/api/health/live',
    '/api/health/ready',
  ]
  for (const browser of [computer, phone, signedIn]) {
    for (const path of paths) {
      for (const method of ['GET', 'HEAD']) {
        const response = await browser.send(method, path)
        expect(response.headers.getSetCookie()).toEqual([])
        await response.text()
      }
    }
  }
  for (const path of ['/api/qr', '/api/qr/confirm', '/api/qr/cancel', `/api/qr/${attempt.id}/redeem`]) {
    expect((await phone.send('GET', `${path}?code=${code}`)).status).toBeGreaterThanOrEqual(404)
  }
  expect(await computer.get('GET', `/api/qr/${attempt.id}`)).toMatchObject({ status: 'pending', version: 1 })
  expect(await signedIn.get('GET', '/api/session')).toMatchObject({ signedIn: true })
})

test('ids are random and not sequential', async () => {
  app.dispose()
  app = new App({ RATE_LIMIT_SCALE: '100' })
  const ids = []
  for (let count = 0; count < 200; count += 1) ids.push((await new Browser(app).start()).id)
  expect(new Set(ids).size).toBe(200)
  // Sorted neighbours of 96 random bits share few leading characters. With counters and clocks they
  // share most.
  const sorted = [...ids].sort()
  const shared = sorted.slice(1).map((id, index) => {
    const before = sorted[index] ?? ''
    return [...id].findIndex((char, at) => char !== before[at])
  })
  expect(Math.max(...shared)).toBeLessThanOrEqual(6)
})

test('a code cannot be used twice: after the sign-in every phone gets 409', async () => {
  const attempt = await computer.start()
  await signInWith(attempt)
  const lin = await signedInPhone(app, 'lin')
  for (const other of [lin, phone]) {
    const again = await other.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    expect(await refusal(again)).toEqual({ status: 409, code: 'wrong_state' })
  }
})

test('a session that was signed out stays signed out: a repeated redeem gets 409', async () => {
  const attempt = await computer.start()
  const ticket = await signInWith(attempt)
  await computer.send('DELETE', '/api/session')
  const repeat = await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
  expect(await refusal(repeat)).toEqual({ status: 409, code: 'wrong_state' })
  expect(repeat.headers.getSetCookie()).toEqual([])
  expect(await computer.get('GET', '/api/session')).toEqual({ signedIn: false })
})

test('an attempt has no person before the scan, and then only name and avatar', async () => {
  const attempt = await computer.start()
  expect(Object.keys(attempt).sort()).toEqual(['code', 'expiresInMs', 'id', 'status', 'version'])
  expect(Object.keys(attempt.code ?? {}).sort()).toEqual(['expiresInMs', 'url'])
  await phone.scan(attempt)
  const scanned = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  expect(Object.keys(scanned.person ?? {}).sort()).toEqual(['avatarUrl', 'name'])
})

async function signInWith(attempt: AttemptView): Promise<string | undefined> {
  const { claim } = await phone.scan(attempt)
  await phone.get('POST', '/api/qr/confirm', { claim })
  const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  return ticket
}
