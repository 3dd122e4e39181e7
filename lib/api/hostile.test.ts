import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { App, Browser, ORIGIN, signedInPhone, signInComputer } from '../../test/support/app'

let app: App
let phone: Browser
let signedIn: Browser

beforeAll(async () => {
  app = new App({ RATE_LIMIT_SCALE: '100000' })
  phone = await signedInPhone(app, 'ada')
  signedIn = await signInComputer(app, phone)
})
afterAll(() => app.dispose())

describe('malformed cookies', () => {
  const COOKIES = ['__Host-qr_session', '__Host-qr_phone', '__Host-qr_browser']
  const RUNS = 2_000

  const requests: [string, string, unknown?][] = [
    ['GET', '/api/session'],
    ['GET', '/api/phone/session'],
    ['GET', '/api/sessions'],
    ['POST', '/api/qr/scan', { code: 'x' }],
    ['GET', '/api/qr/AAAAAAAAAAAAAAAA'],
    ['DELETE', '/api/sessions/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ]

  /** Summaries of the responses to each request with this Cookie header. */
  async function sendAll(cookie: string | null): Promise<string[]> {
    const responses: string[] = []
    for (const [method, path, body] of requests) {
      const browser = new Browser(app)
      const headers = cookie === null ? {} : { Cookie: cookie }
      const response = await browser.send(method, path, { headers, ...(body === undefined ? {} : { body }) })
      const { requestId: _, ...received } = (await response.json()) as Record<string, unknown>
      responses.push(
        `${method} ${path} ${response.status} ${JSON.stringify(received)} ${response.headers.getSetCookie()}`,
      )
    }
    return responses
  }

  test(`are treated as no cookie, ${RUNS} times`, async () => {
    const withoutCookie = await sendAll(null)
    const genuine = [...signedIn.cookies.values(), ...phone.cookies.values()]
    const seal = fc.constantFrom(...genuine)
    const value = fc.oneof(
      fc.tuple(seal, fc.nat(400)).map(([text, at]) => text.slice(0, at % text.length)),
      fc.tuple(seal, fc.nat(400), fc.integer({ min: 33, max: 126 })).map(([text, at, code]) => {
        const place = at % text.length
        return text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1)
      }),
      fc.tuple(seal, seal).map(([a, b]) => a.slice(0, 150) + b.slice(150)),
      fc.tuple(seal, fc.constantFrom('%00', '%', '~', '*', '"', '=', '%2a', '\\')).map(([text, more]) => text + more),
      fc.array(fc.integer({ min: 32, max: 255 }), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes)),
      fc.constantFrom(
        '',
        '*',
        'Fe26.2**',
        'Fe26.2*1*******',
        '{}',
        'null',
        'undefined',
        '__proto__',
        'a'.repeat(7_000),
      ),
    )
    const cookie = fc.tuple(fc.constantFrom(...COOKIES), value).map(([name, text]) => `${name}=${text}`)
    // Genuine seals, whole or under another name, are tested elsewhere.
    const isGenuine = (text: string) =>
      text.split(';').some((pair) => {
        const [, ...rest] = pair.split('=')
        const unsealed = decode(
          rest
            .join('=')
            .trim()
            .replace(/^"(.*)"$/, '$1'),
        ).split('~')[0]
        return genuine.some((each) => decode(each).split('~')[0] === unsealed)
      })
    await fc.assert(
      fc.asyncProperty(cookie, async (text) => {
        fc.pre(!isGenuine(text))
        expect(await sendAll(text)).toEqual(withoutCookie)
      }),
      { numRuns: RUNS },
    )
  })

  test('genuine seals under another name are treated as no cookie', async () => {
    const [session = ''] = [...signedIn.cookies].filter(([name]) => name.includes('session')).map(([, text]) => text)
    const [phoneSeal = ''] = phone.cookies.values()
    const withoutCookie = await sendAll(null)
    expect(await sendAll(`__Host-qr_phone=${session}; __Host-qr_session=${phoneSeal}`)).toEqual(withoutCookie)
    // A page on plain http, or on a sibling host, can only set names without the prefix.
    expect(await sendAll(`qr_session=${session}; qr_phone=${phoneSeal}`)).toEqual(withoutCookie)
  })

  function decode(text: string): string {
    try {
      return decodeURIComponent(text)
    } catch {
      return text
    }
  }
})

describe('cross-site requests', () => {
  const SITES = [null, 'same-origin', 'same-site', 'cross-site', 'none', '', 'SAME-ORIGIN', 'same-origin, cross-site']
  const ORIGINS = [
    null,
    ORIGIN,
    'null',
    '',
    'https://evil.example',
    'http://login.example.com',
    'https://login.example.com:8443',
    'https://login.example.com.evil.example',
    'https://evil.login.example.com',
    `${ORIGIN}/`,
    `${ORIGIN}, https://evil.example`,
  ]
  const TYPES = [null, 'application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']
  const REQUESTS: [string, string][] = [
    ['POST', '/api/qr'],
    ['POST', '/api/qr/scan'],
    ['POST', '/api/qr/confirm'],
    ['POST', '/api/qr/cancel'],
    ['POST', '/api/qr/AAAAAAAAAAAAAAAA/match'],
    ['POST', '/api/qr/AAAAAAAAAAAAAAAA/redeem'],
    ['DELETE', '/api/qr/AAAAAAAAAAAAAAAA'],
    ['POST', '/api/phone/session'],
    ['DELETE', '/api/sessions/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ]

  test.each(REQUESTS)('%s %s with a cookie passes from our own pages only', async (method, path) => {
    let refused = 0
    for (const site of SITES) {
      for (const origin of ORIGINS) {
        for (const type of TYPES) {
          const headers = {
            ...(origin === null ? {} : { Origin: origin }),
            ...(type === null ? {} : { 'Content-Type': type }),
          }
          const browser = new Browser(app)
          browser.cookies.set('anything', '1')
          const body = method === 'POST' ? { body: '{}' } : {}
          const response = await browser.send(method, path, {
            headers,
            site,
            ...(type === null ? {} : body),
          })
          const isOurs = site === null ? origin === ORIGIN : site === 'same-origin'
          const label = JSON.stringify({ site, origin, type })
          expect([label, response.status === 403]).toEqual([label, !isOurs])
          expect(response.status).toBeLessThan(500)
          expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
          const isJson = type === null || type === 'application/json'
          if (isOurs && method === 'POST') expect([label, response.status === 415]).toEqual([label, !isJson])
          if (!isOurs) refused += 1
        }
      }
    }
    expect(refused).toBeGreaterThan(300)
  })

  test('a GET passes from any site, and sets no cookie', async () => {
    for (const site of SITES) {
      const response = await signedIn.send('GET', '/api/session', { site, headers: { Origin: 'https://evil.example' } })
      expect([site, response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([site, 200, null])
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  test('a preflight gets 405 without CORS headers', async () => {
    const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' }
    const response = await new Browser(app).send('OPTIONS', '/api/qr/confirm', { headers, site: 'cross-site' })
    expect(response.status).toBe(405)
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})
