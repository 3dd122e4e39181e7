import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, ORIGIN, refusal, signedInPhone } from '../../test/support/app'

let app: App
let phone: Browser

beforeAll(async () => {
  app = new App()
  phone = await signedInPhone(app, 'ada')
})
afterAll(() => app.dispose())

const ROUTES: [path: string, allow: string][] = [
  ['/api/qr', 'POST'],
  ['/api/qr/scan', 'POST'],
  ['/api/qr/confirm', 'POST'],
  ['/api/qr/cancel', 'POST'],
  ['/api/qr/AAAAAAAAAAAAAAAA', 'GET, HEAD, DELETE'],
  ['/api/qr/AAAAAAAAAAAAAAAA/events', 'GET'],
  ['/api/qr/AAAAAAAAAAAAAAAA/match', 'POST'],
  ['/api/qr/AAAAAAAAAAAAAAAA/redeem', 'POST'],
  ['/api/qr/AAAAAAAAAAAAAAAA/short-code', 'POST'],
  ['/api/phone/session', 'GET, HEAD, POST, DELETE'],
  ['/api/session', 'GET, HEAD, DELETE'],
  ['/api/sessions', 'GET, HEAD, DELETE'],
  ['/api/sessions/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'DELETE'],
  ['/api/account/events', 'GET'],
  ['/api/health/live', 'GET, HEAD'],
  ['/api/health/ready', 'GET, HEAD'],
]

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const POSTS = ROUTES.filter(([, allow]) => allow.includes('POST')).map(([path]) => path)

describe.each(ROUTES)('%s', (path, allow) => {
  const offered = allow.split(', ')

  test(`offers ${allow}, and responds 405 with Allow to every other method`, async () => {
    for (const method of METHODS.filter((each) => !offered.includes(each))) {
      // Before the check of the origin and of the body.
      const response = await phone.send(method, path, { headers: { 'Sec-Fetch-Site': 'cross-site' } })
      expect([method, response.status, response.headers.get('Allow')]).toEqual([method, 405, allow])
    }
  })

  test('has security headers, no-store and a request id in every response', async () => {
    for (const method of METHODS) {
      const response = await new Browser(app).send(method, path)
      expect(response.headers.get('Cache-Control')).toMatch(/^no-store/)
      expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(response.headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'")
      expect(response.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{13}$/)
      expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
      await response.body?.cancel()
    }
  })
})

describe.each(
  ROUTES.flatMap(([path, allow]) =>
    allow
      .split(', ')
      .filter((method) => method === 'POST' || method === 'DELETE')
      .map((method) => [method, path] as const),
  ),
)('%s %s', (method, path) => {
  test('is refused for other sites before anything is read', async () => {
    for (const headers of [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'none' },
      { 'Sec-Fetch-Site': 'cross-site', Origin: ORIGIN },
      { 'Sec-Fetch-Site': 'cross-site', 'Content-Type': 'text/plain' },
    ]) {
      const response = await phone.send(method, path, { headers })
      expect(await refusal(response)).toEqual({ status: 403, code: 'cross_site' })
    }
  })
})

describe.each(POSTS)('the body of POST %s', (path) => {
  test('must be JSON: 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const response = await phone.send('POST', path, { body: '{}', headers: { 'Content-Type': type } })
      expect(await refusal(response)).toEqual({ status: 415, code: 'not_json' })
    }
  })

  test('must be small: 413, before authentication', async () => {
    const body = JSON.stringify({ code: 'x'.repeat(4096) })
    for (const browser of [phone, new Browser(app)]) {
      expect(await refusal(await browser.send('POST', path, { body }))).toEqual({ status: 413, code: 'body_too_large' })
    }
  })

  test('must have exactly the known fields: 400 with the paths of the errors', async () => {
    for (const body of ['{', '[]', '"x"', 'null', '{"surprise":1}', '{"claim":"a","claim":"b"}']) {
      const response = await phone.send('POST', path, { body })
      expect([body, response.status]).toEqual([body, 400])
      expect(response.headers.get('Content-Type')).toBe('application/problem+json')
      expect(await response.json()).toEqual({
        type: 'about:blank',
        title: expect.any(String),
        status: 400,
        code: 'bad_request',
        detail: expect.any(String),
        errors: expect.arrayContaining([{ path: expect.any(String), message: expect.any(String) }]),
        requestId: response.headers.get('X-Request-Id'),
      })
    }
  })
})

test('authentication comes before the validation of the body', async () => {
  for (const path of ['/api/qr/scan', '/api/qr/confirm', '/api/qr/cancel']) {
    const response = await new Browser(app).send('POST', path, { body: '{"nonsense":1}' })
    expect(await refusal(response)).toEqual({ status: 401, code: 'unauthenticated' })
  }
})

test('a path without a resource is a 404 for every method', async () => {
  for (const method of METHODS) {
    expect((await app.handle(new Request(`${ORIGIN}/api/x`, { method }))).status).toBe(404)
  }
})

test('an unexpected error is a 500 with its request id and no details', async () => {
  const broken = new App()
  const browser = new Browser(broken)
  broken.context.attempts.start = () => {
    throw new Error('secret detail')
  }
  const response = await browser.send('POST', '/api/qr')
  const text = await response.text()
  expect(response.status).toBe(500)
  expect(JSON.parse(text)).toMatchObject({ code: 'internal', requestId: response.headers.get('X-Request-Id') })
  expect(text).not.toContain('secret')
  broken.dispose()
})

test('a failing store is a 503 with Retry-After within 1 s, and requests succeed once it is back', async () => {
  const locked = new App()
  const ada = await signedInPhone(locked, 'ada')
  const browser = new Browser(locked)
  const attempt = await browser.start()
  const other = new Database(join(locked.folder, 'qr-login.db'))
  other.exec('BEGIN EXCLUSIVE')
  const scan = () => ada.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
  const startedAt = performance.now()
  const response = await scan()
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  expect(response.headers.get('Retry-After')).toMatch(/^\d+$/)
  expect(await refusal(response)).toEqual({ status: 503, code: 'unavailable' })
  other.exec('ROLLBACK')
  expect((await scan()).status).toBe(200)
  locked.dispose()
})

test('a body for another route is refused where nothing is expected', async () => {
  const attempt = await phone.start()
  for (const path of [
    `/api/qr/${attempt.id}/short-code`,
    '/api/passkeys/options',
    '/api/phone/session/passkey/options',
  ]) {
    const response = await phone.send('POST', path, { body: { interaction: 'x' } })
    expect([path, await refusal(response)]).toEqual([path, { status: 400, code: 'bad_request' }])
  }
})
