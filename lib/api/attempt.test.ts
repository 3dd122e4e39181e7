import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, ORIGIN, refusal, signedInPhone } from '../../test/support/app'
import type { AttemptView } from '../core/attempt/views'

let app: App
let computer: Browser
let phone: Browser

beforeEach(async () => {
  app = new App()
  computer = new Browser(app)
  phone = await signedInPhone(app, 'ada')
})
afterEach(() => app.dispose())

const read = (attempt: AttemptView) => computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)

describe('starting', () => {
  test('responds 201 with the attempt, its location and a browser secret', async () => {
    const response = await computer.send('POST', '/api/qr', { body: {} })
    const attempt = (await response.json()) as AttemptView
    expect(response.status).toBe(201)
    expect(response.headers.get('Location')).toBe(`/api/qr/${attempt.id}`)
    expect(response.headers.get('Cache-Control')).toBe('no-store')
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(attempt).toMatchObject({
      version: 1,
      status: 'pending',
      expiresInMs: 300_000,
      code: { expiresInMs: 30_000 },
    })
    expect(attempt.code?.url).toMatch(new RegExp(`^${ORIGIN}/q#`))
  })

  test('needs no body, and sets no new secret for a browser that has one', async () => {
    await computer.start()
    const again = await computer.send('POST', '/api/qr')
    expect([again.status, again.headers.getSetCookie()]).toEqual([201, []])
  })

  test('refuses an id that the client chooses', async () => {
    const response = await computer.send('POST', '/api/qr', { body: { id: 'AAAAAAAAAAAAAAAA' } })
    expect(await refusal(response)).toEqual({ status: 400, code: 'bad_request' })
  })

  test('is refused for addresses outside IP_ALLOWLIST', async () => {
    app.dispose()
    app = new App({ IP_ALLOWLIST: '203.0.113.0/24' })
    const inside = new Browser(app)
    const outside = new Browser(app)
    outside.address = '198.51.100.1'
    const unknown = new Browser(app)
    unknown.address = ''
    expect((await inside.send('POST', '/api/qr')).status).toBe(201)
    for (const browser of [outside, unknown]) {
      const response = await browser.send('POST', '/api/qr', { body: 'x', headers: { 'Content-Type': 'text/plain' } })
      expect(await refusal(response)).toEqual({ status: 403, code: 'address_refused' })
    }
  })
})

describe('reading', () => {
  test('has an ETag that changes with the version and with the code', async () => {
    const attempt = await computer.start()
    const etag = async () => (await computer.send('GET', `/api/qr/${attempt.id}`)).headers.get('ETag')
    const first = await etag()
    expect(await etag()).toBe(first)
    app.now += 30_000
    const second = await etag()
    expect(second).not.toBe(first)
    await phone.scan(await read(attempt))
    expect([first, second]).not.toContain(await etag())
  })

  test('responds 304 for the current ETag', async () => {
    const attempt = await computer.start()
    const path = `/api/qr/${attempt.id}`
    const etag = (await computer.send('GET', path)).headers.get('ETag') ?? ''
    const again = await computer.send('GET', path, { headers: { 'If-None-Match': etag } })
    expect([again.status, again.headers.get('ETag'), await again.text()]).toEqual([304, etag, ''])
    app.now += 30_000
    expect((await computer.send('GET', path, { headers: { 'If-None-Match': etag } })).status).toBe(200)
  })

  test('has a new code each period', async () => {
    const attempt = await computer.start()
    app.now += 29_999
    expect((await read(attempt)).code).toMatchObject({ url: attempt.code?.url, expiresInMs: 1 })
    app.now += 1
    expect((await read(attempt)).code?.url).not.toBe(attempt.code?.url)
  })
})

describe('a long poll', () => {
  const wait = (attempt: AttemptView, query: string, signal?: AbortSignal) =>
    computer.send('GET', `/api/qr/${attempt.id}?${query}`, signal === undefined ? {} : { signal })

  test('responds as soon as the version is higher', async () => {
    const attempt = await computer.start()
    const waiting = wait(attempt, 'after=1&waitMs=20000')
    await phone.scan(attempt)
    expect(await (await waiting).json()).toMatchObject({ status: 'scanned', version: 2 })
  })

  test('responds immediately if the version is already higher', async () => {
    const attempt = await computer.start()
    await phone.scan(attempt)
    expect((await wait(attempt, 'after=1&waitMs=20000')).status).toBe(200)
  })

  test('responds 204 if nothing changes', async () => {
    const attempt = await computer.start()
    expect((await wait(attempt, 'after=1&waitMs=30')).status).toBe(204)
    expect((await wait(attempt, 'after=1')).status).toBe(204)
  })

  test('responds when a new code is due', async () => {
    const attempt = await computer.start()
    app.now += 29_950
    const waiting = wait(attempt, 'after=1&waitMs=5000')
    setTimeout(() => {
      app.now += 60
    }, 20)
    const received = (await (await waiting).json()) as AttemptView
    expect(received.code?.url).not.toBe(attempt.code?.url)
  })

  test('responds when the attempt expires: its version counts as one higher', async () => {
    const attempt = await computer.start()
    app.now += 300_000
    expect(await (await wait(attempt, 'after=1&waitMs=5000')).json()).toMatchObject({ status: 'expired', version: 2 })
    expect((await wait(attempt, 'after=2&waitMs=20000')).status).toBe(204)
  })

  test('ends when the client disconnects', async () => {
    const attempt = await computer.start()
    const controller = new AbortController()
    const waiting = wait(attempt, 'after=1&waitMs=20000', controller.signal)
    setTimeout(() => controller.abort(), 10)
    expect((await waiting).status).toBe(204)
  })

  test('accepts non-negative integers only', async () => {
    const attempt = await computer.start()
    for (const query of ['after=x', 'after=-1', 'after=1&waitMs=1.5', 'after=1&after=2']) {
      expect(await refusal(await wait(attempt, query))).toEqual({ status: 400, code: 'bad_request' })
    }
  })
})

describe('DELETE', () => {
  test('cancels the attempt, and a repeat is 204', async () => {
    const attempt = await computer.start()
    for (const _ of [1, 2]) expect((await computer.send('DELETE', `/api/qr/${attempt.id}`)).status).toBe(204)
    expect(await read(attempt)).toMatchObject({ status: 'cancelled', cancelledBy: 'computer' })
    app.now += 10 ** 6
    expect((await computer.send('DELETE', `/api/qr/${attempt.id}`)).status).toBe(204)
  })

  test('an attempt that has expired cannot be cancelled', async () => {
    const attempt = await computer.start()
    app.now += 300_000
    expect(await refusal(await computer.send('DELETE', `/api/qr/${attempt.id}`))).toEqual({
      status: 410,
      code: 'attempt_ended',
    })
  })
})

test('admission control sheds a plain GET with 503 and Retry-After, but no long poll', async () => {
  const attempt = await computer.start()
  app.context.admission.admit = () => 12_340
  const response = await computer.send('GET', `/api/qr/${attempt.id}`)
  expect([response.headers.get('Retry-After'), await refusal(response)]).toEqual([
    '13',
    { status: 503, code: 'unavailable' },
  ])
  expect((await computer.send('GET', `/api/qr/${attempt.id}?after=0&waitMs=0`)).status).toBe(200)
  app.context.admission.admit = () => 0
  expect((await read(attempt)).status).toBe('pending')
})
