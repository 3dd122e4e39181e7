import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, refusal, signedInPhone } from '../../test/support/app'
import { BEARER_ENV, NativeApp } from '../../test/support/tokens'
import type { AttemptView, Review } from '../core/attempt/views'

/** PROTOCOL.md, section 6: of so many concurrent requests exactly the limit passes. */
const CONCURRENCY = 100

let app: App

beforeEach(() => {
  app = new App(BEARER_ENV)
})
afterEach(() => app.dispose())

/** Sends concurrent requests. Returns how often each status was received. */
async function count(send: (index: number) => Promise<Response>, times = CONCURRENCY): Promise<Record<number, number>> {
  const responses = await Promise.all(Array.from({ length: times }, (_, index) => send(index)))
  const counts: Record<number, number> = {}
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function at(address: string): Browser {
  const browser = new Browser(app)
  browser.address = address
  return browser
}

const limited = { status: 429, code: 'rate_limited' }
const junk = (index: number) => ({ code: `junk-${index}` })

describe('starting an attempt', () => {
  test('exactly 6 a minute per browser and 60 per address', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    expect(await count(() => browser.send('POST', '/api/qr'))).toEqual({ 201: 5, 429: CONCURRENCY - 5 })
    expect(await count(() => at('203.0.113.1').send('POST', '/api/qr'))).toEqual({ 201: 54, 429: CONCURRENCY - 54 })
    expect((await at('203.0.113.2').send('POST', '/api/qr')).status).toBe(201)
  })

  test('has a Retry-After until the end of the window, and then a new window starts', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    app.now += 20_500
    await count(() => browser.send('POST', '/api/qr'))
    const refused = await browser.send('POST', '/api/qr')
    expect(refused.headers.get('Retry-After')).toBe('40')
    expect(await refusal(refused)).toEqual(limited)
    app.now += 39_499
    expect((await browser.send('POST', '/api/qr')).status).toBe(429)
    app.now += 1
    expect(await count(() => browser.send('POST', '/api/qr'))).toEqual({ 201: 6, 429: CONCURRENCY - 6 })
  })

  test('a start that the browser limit refuses does not count for the address', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    await count(() => browser.send('POST', '/api/qr'), 300)
    expect(await count(() => at('203.0.113.1').send('POST', '/api/qr'))).toEqual({ 201: 54, 429: CONCURRENCY - 54 })
  })

  test('an IPv6 client counts by its /64; all unknown addresses share one limit', async () => {
    const host = (index: number) => at(`2001:db8:1:2::${index.toString(16)}`)
    expect(await count((index) => host(index).send('POST', '/api/qr'))).toEqual({ 201: 60, 429: CONCURRENCY - 60 })
    expect((await at('2001:db8:1:3::1').send('POST', '/api/qr')).status).toBe(201)
    const unknown = (index: number) => at(index % 2 === 0 ? '' : 'not an address')
    expect(await count((index) => unknown(index).send('POST', '/api/qr'))).toEqual({ 201: 60, 429: CONCURRENCY - 60 })
  })

  test('an IPv4-mapped IPv6 address counts as the IPv4 address', async () => {
    const mapped = (index: number) => at(index % 2 === 0 ? '203.0.113.1' : '::ffff:203.0.113.1')
    expect(await count((index) => mapped(index).send('POST', '/api/qr'))).toEqual({ 201: 60, 429: CONCURRENCY - 60 })
  })

  test('forwarding headers of a client have no effect', async () => {
    const headers = (index: number) => ({
      'X-Forwarded-For': `198.51.100.${index}`,
      'X-Real-IP': `198.51.100.${index}`,
      Forwarded: `for=198.51.100.${index}`,
      'CF-Connecting-IP': `198.51.100.${index}`,
    })
    const send = (index: number) => at('203.0.113.1').send('POST', '/api/qr', { headers: headers(index) })
    expect(await count(send)).toEqual({ 201: 60, 429: CONCURRENCY - 60 })
  })

  test('behind a trusted proxy each client counts by the entry that the proxy added', async () => {
    app.dispose()
    app = new App({ TRUSTED_PROXIES: '10.0.0.0/8' })
    const through = (spoofed: string, client: string) =>
      at('10.0.0.1').send('POST', '/api/qr', { headers: { 'X-Forwarded-For': `${spoofed}, ${client}` } })
    expect(await count((index) => through(`198.51.100.${index}`, '203.0.113.1'))).toEqual({
      201: 60,
      429: CONCURRENCY - 60,
    })
    expect((await through('203.0.113.1', '203.0.113.2')).status).toBe(201)
  })

  test('a bad body counts too: 429 comes before 400', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    const send = () => browser.send('POST', '/api/qr', { body: { id: 'mine' } })
    expect(await count(send)).toEqual({ 400: 5, 429: CONCURRENCY - 5 })
  })

  test('a restart resets no limit', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    await count(() => browser.send('POST', '/api/qr'))
    app.restart()
    expect((await browser.send('POST', '/api/qr')).status).toBe(429)
  })

  test('RATE_LIMIT_SCALE multiplies the limit', async () => {
    app.dispose()
    app = new App({ RATE_LIMIT_SCALE: '2.5' })
    const browser = at('203.0.113.1')
    await browser.start()
    expect(await count(() => browser.send('POST', '/api/qr'))).toEqual({ 201: 14, 429: CONCURRENCY - 14 })
  })
})

describe('scanning', () => {
  test('10 a minute per person, repeats included, over all phones', async () => {
    const attempt = await at('203.0.113.1').start()
    const phones = [await signedInPhone(app, 'ada'), await signedInPhone(app, 'ada')]
    const send = (index: number) =>
      (phones[index % 2] as Browser).send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    const { 429: refused } = await count(send)
    expect(refused).toBe(CONCURRENCY - 10)
    const lin = await signedInPhone(app, 'lin')
    expect(await refusal(await lin.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } }))).toEqual({
      status: 409,
      code: 'attempt_taken',
    })
  })

  test('5 unknown codes block that person for 10 minutes, and no other', async () => {
    const ada = await signedInPhone(app, 'ada')
    const lin = await signedInPhone(app, 'lin')
    const computer = at('203.0.113.1')
    const first = await computer.start()
    expect(await count((index) => ada.send('POST', '/api/qr/scan', { body: junk(index) }))).toEqual({ 404: 5, 429: 95 })
    app.now += 61_000
    const scan = (phone: Browser, attempt: AttemptView) =>
      phone.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    const blocked = await scan(ada, await computer.start())
    expect(blocked.headers.get('Retry-After')).toBe('539')
    expect(await refusal(blocked)).toEqual(limited)
    expect((await scan(lin, await computer.start())).status).toBe(200)
    app.now += 539_000
    expect((await scan(ada, await computer.start())).status).toBe(200)
    expect(first.status).toBe('pending')
  })

  test('an expired or taken code does not count as unknown', async () => {
    const ada = await signedInPhone(app, 'ada')
    const old = await at('203.0.113.1').start()
    app.now += 61_000
    const taken = await at('203.0.113.1').start()
    await (await signedInPhone(app, 'lin')).scan(taken)
    for (const [attempt, status] of [
      [old, 410],
      [taken, 409],
    ] as const) {
      for (let time = 0; time < 4; time += 1) {
        expect((await ada.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })).status).toBe(status)
      }
    }
    expect((await ada.send('POST', '/api/qr/scan', { body: junk(0) })).status).toBe(404)
  })
})

test('confirming: 10 a minute per person', async () => {
  const ada = await signedInPhone(app, 'ada')
  const { claim } = await ada.scan(await at('203.0.113.7').start())
  expect(await count(() => ada.send('POST', '/api/qr/confirm', { body: { claim } }))).toEqual({ 200: 10, 429: 90 })
})

describe('redeeming', () => {
  async function confirmed(): Promise<{ computer: Browser; attempt: AttemptView; ticket: string }> {
    const computer = at('203.0.113.7')
    const attempt = await computer.start()
    const ada = await signedInPhone(app, 'ada')
    const { claim } = await ada.scan(attempt)
    await ada.get<Review>('POST', '/api/qr/confirm', { claim })
    const { ticket = '' } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
    return { computer, attempt, ticket }
  }

  test('5 tries per attempt', async () => {
    const { computer, attempt, ticket } = await confirmed()
    const send = () => computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
    expect(await count(send)).toEqual({ 200: 5, 429: 95 })
  })

  test('a redeem of another browser always gets the same 404, and does not count for the owner', async () => {
    const { computer, attempt, ticket } = await confirmed()
    const [otherBrowser, bare] = [at('198.51.100.1'), at('198.51.100.2')]
    await otherBrowser.start()
    const send = (by: Browser, id: string) => by.send('POST', `/api/qr/${id}/redeem`, { body: { ticket } })
    for (const by of [otherBrowser, bare]) {
      for (const id of [attempt.id, 'unknown-unknown-']) {
        expect(await count(() => send(by, id), 50)).toEqual({ 404: 50 })
      }
    }
    const own = await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
    expect(own.status).toBe(200)
  })
})

describe('refusals', () => {
  const unknown = (by: Browser) => by.send('GET', '/api/qr/AAAAAAAAAAAAAAAA')

  test('of attempts: 120 a minute per address, then 429 replaces them', async () => {
    const [one, other] = [at('198.51.100.1'), at('198.51.100.2')]
    await one.start()
    const own = await one.start()
    const requests: (() => Promise<Response>)[] = [
      () => unknown(one),
      () => one.send('GET', '/api/qr/malformed'),
      () => one.send('POST', '/api/qr/malformed/redeem', { body: { ticket: 'x' } }),
      () => one.send('POST', '/api/qr', { site: 'cross-site' }),
      () => one.send('POST', `/api/qr/${own.id}/match`, { body: { number: '42' } }),
      () => one.send('GET', '/api/qr/AAAAAAAAAAAAAAAA/events'),
    ]
    const first = await count((index) => (requests[index % requests.length] as () => Promise<Response>)(), 120)
    expect(first).toEqual({ 404: 80, 403: 20, 409: 20 })
    for (const send of requests) expect(await refusal(await send())).toEqual(limited)
    const late = await unknown(one)
    expect(Number(late.headers.get('Retry-After'))).toBeGreaterThan(0)
    // Requests that succeed are never limited, nor are other addresses.
    expect((await one.send('GET', `/api/qr/${own.id}`)).status).toBe(200)
    expect((await one.send('POST', '/api/qr')).status).toBe(201)
    expect((await unknown(other)).status).toBe(404)
  })

  test('count for the /64, /56 and /48 of an IPv6 client, with growing limits', async () => {
    const send = (network: string) => unknown(at(`2001:db8:1:${network}::1`))
    expect(await count(() => send('100'), 130)).toEqual({ 404: 120, 429: 10 })
    // The shared /56 allows four times as much; 120 are already used.
    expect(await count((index) => send(`1${(16 + (index % 100)).toString(16)}`), 400)).toEqual({ 404: 360, 429: 40 })
    // The /48 allows sixteen times as much.
    const spread = (index: number) => send((0x2000 + index * 0x100).toString(16))
    expect(await count((index) => spread(index % 48), 1_500)).toEqual({ 404: 1_440, 429: 60 })
    expect((await unknown(at('2001:db8:2:1::1'))).status).toBe(404)
  })
})

test('signing a phone in: 5 a minute per address and name together; another address is not blocked', async () => {
  const send = (address: string, username: string, password: string) =>
    at(address).send('POST', '/api/phone/session', { body: { username, password } })
  expect(await count(() => send('198.51.100.1', 'ada', 'guess'))).toEqual({ 401: 5, 429: 95 })
  expect((await send('198.51.100.1', 'ada', 'demo')).status).toBe(429)
  expect((await send('203.0.113.1', 'ada', 'demo')).status).toBe(200)
  expect((await send('198.51.100.1', 'lin', 'demo')).status).toBe(200)
})

describe('signing a phone in', () => {
  const send = (address: string, username: string, password = 'guess') =>
    at(address).send('POST', '/api/phone/session', { body: { username, password } })

  test('a name is one name in every spelling', async () => {
    const spellings = [
      'ada',
      'ADA',
      ' ada ',
      '\uff41\uff44\uff41',
      'Ada\u00a0',
      '\u00e1da',
      'a\u0301da',
      'a\u200bda',
      'a\u00adda',
    ]
    const spell = (index: number) => spellings[index % spellings.length] ?? ''
    expect(await count((index) => send('198.51.100.1', spell(index)))).toEqual({ 401: 5, 429: 95 })
    expect((await send('198.51.100.1', 'ada', 'demo')).status).toBe(429)
  })

  test('20 failures a minute per address over all names; successes do not count', async () => {
    for (const name of ['ada', 'lin', 'sam']) expect((await send('198.51.100.1', name, 'demo')).status).toBe(200)
    expect(await count((index) => send('198.51.100.1', `name-${index}`))).toEqual({ 401: 20, 429: 80 })
    expect((await send('198.51.100.1', 'yuki', 'demo')).status).toBe(429)
    // A name that has signed in from this address is not refused for what others try there.
    expect((await send('198.51.100.1', 'ada', 'demo')).status).toBe(200)
    expect((await send('198.51.100.2', 'yuki', 'demo')).status).toBe(200)
    app.now += 60_000
    expect((await send('198.51.100.1', 'yuki', 'demo')).status).toBe(200)
  })

  test('30 failures an hour per name over all addresses, except where it has signed in within 30 days', async () => {
    expect((await send('203.0.113.1', 'ada', 'demo')).status).toBe(200)
    expect(await count((index) => send(`198.51.100.${index}`, 'ada'))).toEqual({ 401: 30, 429: 70 })
    expect((await send('198.51.100.200', 'Ada', 'demo')).status).toBe(429)
    expect((await send('203.0.113.1', 'ada', 'demo')).status).toBe(200)
    expect((await send('198.51.100.200', 'lin', 'demo')).status).toBe(200)
    app.now += 30 * 86_400_000
    expect(await count((index) => send(`198.51.100.${index}`, 'ada'))).toEqual({ 401: 30, 429: 70 })
    expect((await send('203.0.113.1', 'ada', 'demo')).status).toBe(429)
  })

  test('for an IPv6 client, where it has signed in is its /64', async () => {
    expect((await send('2001:db8:1:2::1', 'ada', 'demo')).status).toBe(200)
    await count((index) => send(`198.51.100.${index}`, 'ada'))
    expect((await send('2001:db8:1:2::2', 'ada', 'demo')).status).toBe(200)
    expect((await send('2001:db8:1:3::1', 'ada', 'demo')).status).toBe(429)
  })

  test('a try that one limit refuses does not count for the others', async () => {
    await count((index) => send(`198.51.100.${index}`, 'ada'))
    // Refused by the name limit: counts neither for the address nor for the pair.
    await count(() => send('203.0.113.9', 'ada'))
    expect(await count((index) => send('203.0.113.9', `name-${index}`))).toEqual({ 401: 20, 429: 80 })
    // Refused by the address limit: does not count for the name.
    await count(() => send('203.0.113.9', 'lin'))
    expect(await count((index) => send(`192.0.2.${index}`, 'lin'))).toEqual({ 401: 30, 429: 70 })
  })
})

test('bad tokens: 20 a minute per address, and a valid one from there still passes', async () => {
  const native = new NativeApp(app)
  const send = (index: number) =>
    native.send('GET', '/api/sessions', { headers: { Authorization: `Bearer guess.${index}` } })
  expect(await count(send)).toEqual({ 401: 20, 429: 80 })
  expect((await native.send('GET', '/api/sessions')).status).toBe(200)
  native.address = '198.51.100.1'
  expect(await count(send, 1)).toEqual({ 401: 1 })
})

test('if limits cannot be counted, every limited request gets 503', async () => {
  const ada = await signedInPhone(app, 'ada')
  const { claim } = await ada.scan(await at('203.0.113.1').start())
  const native = new NativeApp(app)
  app.breakLimits()
  const requests: [Browser | NativeApp, string, unknown][] = [
    [at('203.0.113.1'), '/api/qr', {}],
    [ada, '/api/qr/scan', junk(0)],
    [ada, '/api/qr/confirm', { claim }],
    [at('203.0.113.1'), '/api/phone/session', { username: 'ada', password: 'demo' }],
  ]
  for (const [from, path, body] of requests) {
    const response = await from.send('POST', path, { body })
    expect(response.headers.get('Retry-After')).toBe('2')
    expect([path, await refusal(response)]).toEqual([path, { status: 503, code: 'unavailable' }])
    expect(response.headers.getSetCookie()).toEqual([])
  }
  const bad = await native.send('GET', '/api/sessions', { headers: { Authorization: 'Bearer guess' } })
  expect(await refusal(bad)).toEqual({ status: 503, code: 'unavailable' })
})
