import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, refusal, signedInPhone } from '../../test/support/app'
import { BEARER_ENV, NativeApp } from '../../test/support/tokens'
import type { AttemptView, Review } from '../core/attempt/views'

/**
 * Section 6 of PROTOCOL.md, by 100 requests at once: exactly as many as the limit says get through.
 */

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

  test('a stranger’s redeem is the same 404 every time, and uses up nothing of the owner’s', async () => {
    const { computer, attempt, ticket } = await confirmed()
    const [stranger, bare] = [at('198.51.100.1'), at('198.51.100.2')]
    await stranger.start()
    const ask = (by: Browser, id: string) => by.send('POST', `/api/qr/${id}/redeem`, { body: { ticket } })
    for (const by of [stranger, bare]) {
      for (const id of [attempt.id, 'unknown-unknown-']) {
        expect(await count(() => ask(by, id), 50)).toEqual({ 404: 50 })
      }
    }
    const mine = await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
    expect(mine.status).toBe(200)
  })
})

describe('what is refused', () => {
  const unknown = (by: Browser) => by.send('GET', '/api/qr/AAAAAAAAAAAAAAAA')

  test('of attempts counts per address: 120 a minute, then 429 in its place', async () => {
    const [one, other] = [at('198.51.100.1'), at('198.51.100.2')]
    await one.start()
    const own = await one.start()
    const asks: (() => Promise<Response>)[] = [
      () => unknown(one),
      () => one.send('GET', '/api/qr/malformed'),
      () => one.send('POST', '/api/qr/malformed/redeem', { body: { ticket: 'x' } }),
      () => one.send('POST', '/api/qr', { site: 'cross-site' }),
      () => one.send('POST', `/api/qr/${own.id}/match`, { body: { number: '42' } }),
      () => one.send('GET', '/api/qr/AAAAAAAAAAAAAAAA/events'),
    ]
    const first = await count((index) => (asks[index % asks.length] as () => Promise<Response>)(), 120)
    expect(first).toEqual({ 404: 80, 403: 20, 409: 20 })
    for (const ask of asks) expect(await refusal(await ask())).toEqual(limited)
    const late = await unknown(one)
    expect(Number(late.headers.get('Retry-After'))).toBeGreaterThan(0)
    // What would succeed is never held back, nor is another address.
    expect((await one.send('GET', `/api/qr/${own.id}`)).status).toBe(200)
    expect((await one.send('POST', '/api/qr')).status).toBe(201)
    expect((await unknown(other)).status).toBe(404)
  })

  test('is counted by /64, /56 and /48 of an IPv6 client, with growing allowances', async () => {
    const ask = (network: string) => unknown(at(`2001:db8:1:${network}::1`))
    expect(await count(() => ask('100'), 130)).toEqual({ 404: 120, 429: 10 })
    // Four times as much from the /56 that they share, of which 120 are gone.
    expect(await count((index) => ask(`1${(16 + (index % 100)).toString(16)}`), 400)).toEqual({ 404: 360, 429: 40 })
    // And sixteen times from the /48.
    const spread = (index: number) => ask((0x2000 + index * 0x100).toString(16))
    expect(await count((index) => spread(index % 48), 1_500)).toEqual({ 404: 1_440, 429: 60 })
    expect((await unknown(at('2001:db8:2:1::1'))).status).toBe(404)
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

describe('signing a phone in', () => {
  const ask = (address: string, username: string, password = 'guess') =>
    at(address).send('POST', '/api/phone/session', { body: { username, password } })

  test('a name is one name in every spelling', async () => {
    const spellings = ['ada', 'ADA', ' ada ', '\uff41\uff44\uff41', 'Ada\u00a0']
    expect(await count((index) => ask('198.51.100.1', spellings[index % 5] ?? ''))).toEqual({ 401: 5, 429: 95 })
    expect((await ask('198.51.100.1', 'ada', 'demo')).status).toBe(429)
  })

  test('20 failures a minute from one address over all names; what is right uses up nothing', async () => {
    for (const name of ['ada', 'lin', 'sam']) expect((await ask('198.51.100.1', name, 'demo')).status).toBe(200)
    expect(await count((index) => ask('198.51.100.1', `name-${index}`))).toEqual({ 401: 20, 429: 80 })
    expect((await ask('198.51.100.1', 'yuki', 'demo')).status).toBe(429)
    expect((await ask('198.51.100.2', 'yuki', 'demo')).status).toBe(200)
    app.now += 60_000
    expect((await ask('198.51.100.1', 'yuki', 'demo')).status).toBe(200)
  })

  test('30 failures an hour of one name over all addresses, but not from where it has signed in within 30 days', async () => {
    expect((await ask('203.0.113.1', 'ada', 'demo')).status).toBe(200)
    expect(await count((index) => ask(`198.51.100.${index}`, 'ada'))).toEqual({ 401: 30, 429: 70 })
    expect((await ask('198.51.100.200', 'Ada', 'demo')).status).toBe(429)
    expect((await ask('203.0.113.1', 'ada', 'demo')).status).toBe(200)
    expect((await ask('198.51.100.200', 'lin', 'demo')).status).toBe(200)
    app.now += 30 * 86_400_000
    expect(await count((index) => ask(`198.51.100.${index}`, 'ada'))).toEqual({ 401: 30, 429: 70 })
    expect((await ask('203.0.113.1', 'ada', 'demo')).status).toBe(429)
  })

  test('an IPv6 client is where it has signed in by its /64', async () => {
    expect((await ask('2001:db8:1:2::1', 'ada', 'demo')).status).toBe(200)
    await count((index) => ask(`198.51.100.${index}`, 'ada'))
    expect((await ask('2001:db8:1:2::2', 'ada', 'demo')).status).toBe(200)
    expect((await ask('2001:db8:1:3::1', 'ada', 'demo')).status).toBe(429)
  })

  test('a try that one limit refuses uses up nothing of another', async () => {
    await count((index) => ask(`198.51.100.${index}`, 'ada'))
    // Refused by the name: not one of the twenty of the address, nor of the five of both.
    await count(() => ask('203.0.113.9', 'ada'))
    expect(await count((index) => ask('203.0.113.9', `name-${index}`))).toEqual({ 401: 20, 429: 80 })
    // Refused by the address: nothing of the names.
    await count(() => ask('203.0.113.9', 'lin'))
    expect(await count((index) => ask(`192.0.2.${index}`, 'lin'))).toEqual({ 401: 30, 429: 70 })
  })
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
