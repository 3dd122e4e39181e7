import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AttemptView, Review } from '../attempt/views'
import { App, Browser, codeOf, refusal, signedInPhone } from '../testing/app'
import { BEARER_ENV, NativeApp } from '../testing/tokens'

/** Section 6 of PROTOCOL.md, by 100 requests at once: exactly as many as the limit says get through. */

const WAYS = 100

let app: App

beforeEach(() => {
  app = new App(BEARER_ENV)
})
afterEach(() => app.dispose())

/** How often which status came back. */
async function count(ask: (index: number) => Promise<Response>, times = WAYS): Promise<Record<number, number>> {
  const answers = await Promise.all(Array.from({ length: times }, (_, index) => ask(index)))
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
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
  test('6 a minute in one browser, 60 from one address, each exactly', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    expect(await count(() => browser.send('POST', '/api/qr'))).toEqual({ 201: 5, 429: WAYS - 5 })
    expect(await count(() => at('203.0.113.1').send('POST', '/api/qr'))).toEqual({ 201: 54, 429: WAYS - 54 })
    expect((await at('203.0.113.2').send('POST', '/api/qr')).status).toBe(201)
  })

  test('says for how long, and then begins anew', async () => {
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
    expect(await count(() => browser.send('POST', '/api/qr'))).toEqual({ 201: 6, 429: WAYS - 6 })
  })

  test('whoever is refused for the browser uses up nothing of the address', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    await count(() => browser.send('POST', '/api/qr'), 300)
    expect(await count(() => at('203.0.113.1').send('POST', '/api/qr'))).toEqual({ 201: 54, 429: WAYS - 54 })
  })

  test('an IPv6 client counts by its /64, an unknown address with all others', async () => {
    const host = (index: number) => at(`2001:db8:1:2::${index.toString(16)}`)
    expect(await count((index) => host(index).send('POST', '/api/qr'))).toEqual({ 201: 60, 429: WAYS - 60 })
    expect((await at('2001:db8:1:3::1').send('POST', '/api/qr')).status).toBe(201)
    const unknown = (index: number) => at(index % 2 === 0 ? '' : 'not an address')
    expect(await count((index) => unknown(index).send('POST', '/api/qr'))).toEqual({ 201: 60, 429: WAYS - 60 })
  })

  test('an IPv4 address is the same in IPv6 clothes', async () => {
    const dressed = (index: number) => at(index % 2 === 0 ? '203.0.113.1' : '::ffff:203.0.113.1')
    expect(await count((index) => dressed(index).send('POST', '/api/qr'))).toEqual({ 201: 60, 429: WAYS - 60 })
  })

  test('an address that the client writes itself changes nothing', async () => {
    const headers = (index: number) => ({
      'X-Forwarded-For': `198.51.100.${index}`,
      'X-Real-IP': `198.51.100.${index}`,
      Forwarded: `for=198.51.100.${index}`,
      'CF-Connecting-IP': `198.51.100.${index}`,
    })
    const ask = (index: number) => at('203.0.113.1').send('POST', '/api/qr', { headers: headers(index) })
    expect(await count(ask)).toEqual({ 201: 60, 429: WAYS - 60 })
  })

  test('behind a trusted proxy each client counts, by what the proxy added', async () => {
    app.dispose()
    app = new App({ TRUSTED_PROXIES: '10.0.0.0/8' })
    const through = (spoofed: string, client: string) =>
      at('10.0.0.1').send('POST', '/api/qr', { headers: { 'X-Forwarded-For': `${spoofed}, ${client}` } })
    expect(await count((index) => through(`198.51.100.${index}`, '203.0.113.1'))).toEqual({ 201: 60, 429: WAYS - 60 })
    expect((await through('203.0.113.1', '203.0.113.2')).status).toBe(201)
  })

  test('a bad body counts too: 429 comes before 400', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    const ask = () => browser.send('POST', '/api/qr', { body: { id: 'mine' } })
    expect(await count(ask)).toEqual({ 400: 5, 429: WAYS - 5 })
  })

  test('a restart frees nobody', async () => {
    const browser = at('203.0.113.1')
    await browser.start()
    await count(() => browser.send('POST', '/api/qr'))
    app.restart()
    expect((await browser.send('POST', '/api/qr')).status).toBe(429)
  })

  test('the scale multiplies', async () => {
    app.dispose()
    app = new App({ RATE_LIMIT_SCALE: '2.5' })
    const browser = at('203.0.113.1')
    await browser.start()
    expect(await count(() => browser.send('POST', '/api/qr'))).toEqual({ 201: 14, 429: WAYS - 14 })
  })
})

describe('scanning', () => {
  test('10 a minute by one person, repeats too, on however many phones', async () => {
    const attempt = await at('203.0.113.1').start()
    const phones = [await signedInPhone(app, 'ada'), await signedInPhone(app, 'ada')]
    const ask = (index: number) =>
      (phones[index % 2] as Browser).send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    const { 429: refused } = await count(ask)
    expect(refused).toBe(WAYS - 10)
    const lin = await signedInPhone(app, 'lin')
    expect(await refusal(await lin.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } }))).toEqual({
      status: 409,
      code: 'attempt_taken',
    })
  })

  test('5 unknown codes block that person for 10 minutes, and nobody else', async () => {
    const ada = await signedInPhone(app, 'ada')
    const lin = await signedInPhone(app, 'lin')
    const computer = at('203.0.113.1')
    const first = await computer.start()
    expect(await count((index) => ada.send('POST', '/api/qr/scan', { body: junk(index) }))).toEqual({ 404: 5, 429: 95 })
    app.now += 61_000
    const good = (phone: Browser, attempt: AttemptView) =>
      phone.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    const blocked = await good(ada, await computer.start())
    expect(blocked.headers.get('Retry-After')).toBe('539')
    expect(await refusal(blocked)).toEqual(limited)
    expect((await good(lin, await computer.start())).status).toBe(200)
    app.now += 539_000
    expect((await good(ada, await computer.start())).status).toBe(200)
    expect(first.status).toBe('pending')
  })

  test('an expired or taken code is no unknown one', async () => {
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

test('confirming: 10 a minute by one person', async () => {
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

  test('5 tries for one attempt', async () => {
    const { computer, attempt, ticket } = await confirmed()
    const ask = () => computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
    expect(await count(ask)).toEqual({ 200: 5, 429: 95 })
  })

  test('a stranger’s tries are the stranger’s, and tell nothing', async () => {
    const { computer, attempt, ticket } = await confirmed()
    const stranger = at('198.51.100.1')
    await stranger.start()
    const ask = (id: string) => stranger.send('POST', `/api/qr/${id}/redeem`, { body: { ticket } })
    expect(await count(() => ask(attempt.id))).toEqual({ 404: 5, 429: 95 })
    expect(await count(() => ask('unknown-unknown-'))).toEqual({ 404: 5, 429: 95 })
    const nobody = at('198.51.100.2')
    expect(await count(() => nobody.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } }))).toEqual({
      404: 100,
    })
    const mine = await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
    expect(mine.status).toBe(200)
  })
})

test('signing a phone in: 5 a minute by address and name, so that a stranger elsewhere blocks nobody', async () => {
  const ask = (address: string, username: string, password: string) =>
    at(address).send('POST', '/api/phone/session', { body: { username, password } })
  expect(await count(() => ask('198.51.100.1', 'ada', 'guess'))).toEqual({ 401: 5, 429: 95 })
  expect((await ask('198.51.100.1', 'ada', 'demo')).status).toBe(429)
  expect((await ask('203.0.113.1', 'ada', 'demo')).status).toBe(200)
  expect((await ask('198.51.100.1', 'lin', 'demo')).status).toBe(200)
})

test('bad tokens: 20 a minute from one address, and a good one from there still passes', async () => {
  const native = new NativeApp(app)
  const ask = (index: number) =>
    native.send('GET', '/api/sessions', { headers: { Authorization: `Bearer guess.${index}` } })
  expect(await count(ask)).toEqual({ 401: 20, 429: 80 })
  expect((await native.send('GET', '/api/sessions')).status).toBe(200)
  native.address = '198.51.100.1'
  expect(await count(ask, 1)).toEqual({ 401: 1 })
})

test('limits that cannot be counted let nobody through', async () => {
  const ada = await signedInPhone(app, 'ada')
  const { claim } = await ada.scan(await at('203.0.113.1').start())
  const native = new NativeApp(app)
  app.breakLimits()
  const asks: [Browser | NativeApp, string, unknown][] = [
    [at('203.0.113.1'), '/api/qr', {}],
    [ada, '/api/qr/scan', junk(0)],
    [ada, '/api/qr/confirm', { claim }],
    [at('203.0.113.1'), '/api/phone/session', { username: 'ada', password: 'demo' }],
  ]
  for (const [from, path, body] of asks) {
    const response = await from.send('POST', path, { body })
    expect(response.headers.get('Retry-After')).toBe('2')
    expect([path, await refusal(response)]).toEqual([path, { status: 503, code: 'unavailable' }])
    expect(response.headers.getSetCookie()).toEqual([])
  }
  const bad = await native.send('GET', '/api/sessions', { headers: { Authorization: 'Bearer guess' } })
  expect(await refusal(bad)).toEqual({ status: 503, code: 'unavailable' })
})
