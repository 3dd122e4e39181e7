import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, dataOf, readFrames, refusal, signedInPhone } from '../../test/support/app'
import {
  BEARER_ENV,
  CLAIMS,
  hmac,
  JWT_SECRET,
  NativeApp,
  SIGNING_SECRET,
  secretToken,
  toToken,
} from '../../test/support/tokens'
import { personOf } from '../core/account/person'
import type { AttemptView, Review } from '../core/attempt/views'
import type { SessionView } from '../core/session/session'

let app: App
let computer: Browser
let native: NativeApp

function boot(env: Record<string, string> = {}): void {
  app = new App({ ...BEARER_ENV, ...env })
  computer = new Browser(app)
  native = new NativeApp(app)
}

async function get<T>(from: NativeApp, method: string, path: string, body?: unknown): Promise<T> {
  const response = await from.send(method, path, body === undefined ? {} : { body })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

const scan = (attempt: AttemptView, from = native) =>
  get<Review>(from, 'POST', '/api/qr/scan', { code: codeOf(attempt) })

async function signIn(): Promise<AttemptView> {
  const attempt = await computer.start()
  const { claim } = await scan(attempt)
  await get(native, 'POST', '/api/qr/confirm', { claim })
  const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  return attempt
}

afterEach(() => app.dispose())

describe('a native app', () => {
  beforeEach(() => boot())

  test('signs a computer in with its bearer token', async () => {
    expect(await get(native, 'GET', '/api/phone/session')).toEqual({
      signedIn: true,
      person: personOf({ id: 'user-1', name: 'Mei Tan', avatarUrl: null }),
    })
    await signIn()
    expect(await computer.get('GET', '/api/session')).toMatchObject({ signedIn: true, person: { id: 'user-1' } })
  })

  test('cancels', async () => {
    const attempt = await computer.start()
    const { claim } = await scan(attempt)
    expect(await get(native, 'POST', '/api/qr/cancel', { claim })).toMatchObject({ status: 'cancelled' })
  })

  test('lists the computers, and signs one or all of them out', async () => {
    await signIn()
    const list = await get<{ sessions: SessionView[] }>(native, 'GET', '/api/sessions')
    expect(list.sessions).toMatchObject([{ browser: 'Firefox', current: false }])
    expect((await native.send('DELETE', `/api/sessions/${list.sessions[0]?.id}`)).status).toBe(204)
    expect(await computer.get('GET', '/api/session')).toEqual({ signedIn: false })
    await signIn()
    expect((await native.send('DELETE', '/api/sessions')).status).toBe(204)
    expect(await computer.get('GET', '/api/session')).toEqual({ signedIn: false })
  })

  test('is the same phone with a refreshed token, and another one with another sid', async () => {
    native.token = secretToken({ sid: 'phone-a' })
    const { claim } = await scan(await computer.start())
    const other = new NativeApp(app, secretToken({ sid: 'phone-b' }))
    expect(await refusal(await other.send('POST', '/api/qr/confirm', { body: { claim } }))).toEqual({
      status: 404,
      code: 'claim_unknown',
    })
    native.token = secretToken({ sid: 'phone-a', exp: app.now / 1000 + 3_000, iat: app.now / 1000 })
    expect(await get(native, 'POST', '/api/qr/confirm', { claim })).toMatchObject({ status: 'confirmed' })
  })

  test('receives events of its attempts and of new computers', async () => {
    const response = await native.send('GET', '/api/account/events')
    const { claim } = await scan(await computer.start())
    await get(native, 'POST', '/api/qr/cancel', { claim })
    await signIn()
    const frames = await readFrames(response, 6)
    const statuses = frames.filter((frame) => frame.includes('event: attempt')).map((frame) => dataOf<Review>(frame))
    expect(statuses.map(({ status }) => status)).toEqual(['scanned', 'cancelled', 'scanned', 'confirmed', 'redeemed'])
    expect(frames.join()).not.toContain(claim)
  })

  test('receives `bye` when its token expires, and no `signed_out`', async () => {
    const response = await native.send('GET', '/api/account/events')
    app.now += 600_000
    const frames = await readFrames(response)
    expect(frames.at(-1)).toMatch(/^event: bye\ndata: {"retryMs":0}/)
    expect(frames.join()).not.toContain('signed_out')
  })

  test('cannot revoke its token: 400', async () => {
    const response = await native.send('DELETE', '/api/phone/session')
    expect(await refusal(response)).toEqual({ status: 400, code: 'bad_request' })
  })

  test('is refused as a computer', async () => {
    expect(await refusal(await native.send('GET', '/api/sessions?as=computer'))).toEqual({
      status: 401,
      code: 'unauthenticated',
    })
    expect((await native.send('GET', '/api/sessions?as=phone')).status).toBe(200)
  })

  test('passes with any fetch metadata, but not with a cookie', async () => {
    const attempt = await computer.start()
    for (const headers of [
      { 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'capacitor://localhost' },
      { Origin: 'null' },
    ]) {
      const body = { code: codeOf(attempt) }
      expect((await native.send('POST', '/api/qr/scan', { body, headers })).status).toBe(200)
      const withCookie = await native.send('POST', '/api/qr/scan', { body, headers: { ...headers, Cookie: 'a=b' } })
      expect(await refusal(withCookie)).toEqual({ status: 403, code: 'cross_site' })
    }
  })

  test('with a phone cookie beside its token is two_identities, for a valid token or not', async () => {
    const phone = await signedInPhone(app, 'ada')
    for (const token of [secretToken(), 'nonsense', '']) {
      const headers = { Authorization: `Bearer ${token}` }
      for (const [method, path] of [
        ['POST', '/api/qr/scan'],
        ['POST', '/api/qr/confirm'],
        ['GET', '/api/phone/session'],
        ['GET', '/api/account/events'],
      ] as const) {
        const response = await phone.send(method, path, { headers, ...(method === 'POST' ? { body: {} } : {}) })
        expect(await refusal(response)).toEqual({ status: 400, code: 'two_identities' })
      }
    }
  })

  test('with other cookies is identified by the token only', async () => {
    const signedIn = computer
    await signIn()
    const phone = await signedInPhone(app, 'ada')
    const [phoneCookie = ''] = phone.cookies.values()
    const cookies = [
      [...signedIn.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      `__Host-qr_phone=${phoneCookie.slice(0, -3)}`,
      `__Host-qr_phone=`,
    ]
    for (const Cookie of cookies) {
      const list = await native.send('GET', '/api/sessions', { headers: { Cookie } })
      const { sessions } = (await list.json()) as { sessions: SessionView[] }
      expect(sessions.map(({ current }) => current)).toEqual([false])
    }
  })

  test('with a bad token is refused on every phone route, before the body is parsed', async () => {
    native.token = `${native.token.slice(0, -6)}AAAAAA`
    for (const [method, path] of [
      ['POST', '/api/qr/scan'],
      ['POST', '/api/qr/confirm'],
      ['POST', '/api/qr/cancel'],
      ['GET', '/api/phone/session'],
      ['DELETE', '/api/phone/session'],
      ['GET', '/api/sessions'],
      ['DELETE', '/api/sessions'],
      ['DELETE', '/api/sessions/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
      ['GET', '/api/account/events'],
    ] as const) {
      const response = await native.send(method, path, method === 'POST' ? { body: { wrong: 1 } } : {})
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer error="invalid_token"')
      expect([path, await refusal(response)]).toEqual([path, { status: 401, code: 'token_wrong' }])
    }
  })

  test.each(['Bearer', 'bearer ', 'BEARER  x y', 'Bearer\tx', 'Bearer x,y'])(
    'with the header %j is refused',
    async (Authorization) => {
      const response = await native.send('GET', '/api/sessions', { headers: { Authorization } })
      expect(await refusal(response)).toEqual({ status: 401, code: 'token_wrong' })
    },
  )

  test('with another authentication scheme is unauthenticated', async () => {
    const response = await native.send('GET', '/api/sessions', { headers: { Authorization: 'Basic YTpi' } })
    expect(await refusal(response)).toEqual({ status: 401, code: 'unauthenticated' })
  })

  test('is refused without a configured key', async () => {
    app.dispose()
    app = new App()
    native = new NativeApp(app)
    expect(await refusal(await native.send('GET', '/api/sessions'))).toEqual({ status: 401, code: 'token_wrong' })
  })
})

describe('signed requests', () => {
  beforeEach(() => {
    boot({ API_SIGNING_SECRET: SIGNING_SECRET, RATE_LIMIT_SCALE: '100' })
    native.signingSecret = SIGNING_SECRET
  })

  const wrong = { status: 401, code: 'signature_wrong' }

  test('pass with a body, with a query, and without either', async () => {
    await signIn()
    expect((await native.send('GET', '/api/sessions?as=phone')).status).toBe(200)
    expect((await native.send('DELETE', '/api/sessions')).status).toBe(204)
  })

  test('pass with each of several secrets, and with no other', async () => {
    app.dispose()
    const next = 'the next secret that the app signs requests with'
    boot({ API_SIGNING_SECRET: `${SIGNING_SECRET},${next}` })
    for (const secret of [SIGNING_SECRET, next]) {
      native.signingSecret = secret
      expect((await native.send('GET', '/api/sessions')).status).toBe(200)
    }
    for (const secret of ['a secret that no setting names, though it is long', `${SIGNING_SECRET},${next}`]) {
      native.signingSecret = secret
      expect(await refusal(await native.send('GET', '/api/sessions'))).toEqual(wrong)
    }
  })

  test('pass with tokens signed by each of several secrets, and by no other', async () => {
    app.dispose()
    const next = 'the next secret that the accounts share with us'
    boot({ PHONE_JWT_SECRET: `${next}, ${JWT_SECRET}` })
    for (const secret of [next, JWT_SECRET]) {
      native.token = toToken({ alg: 'HS256' }, CLAIMS, hmac(secret))
      expect((await native.send('GET', '/api/sessions')).status).toBe(200)
    }
    native.token = toToken({ alg: 'HS256' }, CLAIMS, hmac(`${next}, ${JWT_SECRET}`))
    expect(await refusal(await native.send('GET', '/api/sessions'))).toEqual({ status: 401, code: 'token_wrong' })
  })

  test('are not required for phones with a cookie', async () => {
    const phone = await signedInPhone(app, 'ada')
    expect((await phone.send('GET', '/api/sessions')).status).toBe(200)
  })

  test('are refused without a signature, and with any changed part', async () => {
    const path = '/api/qr/scan'
    const body = { code: codeOf(await computer.start()) }
    const text = JSON.stringify(body)
    const signed = native.signatureOf('POST', path, text)
    const changes: Record<string, string>[] = [
      { 'X-Signature': '' },
      { 'X-Signature': 'x' },
      { 'X-Signature': '0'.repeat(64) },
      { 'X-Signature': `${signed['X-Signature']}00` },
      { 'X-Nonce': '' },
      { 'X-Nonce': 'short' },
      { 'X-Nonce': 'x'.repeat(65) },
      { 'X-Nonce': 'x'.repeat(32) },
      { 'X-Timestamp': '' },
      { 'X-Timestamp': 'now' },
      { 'X-Timestamp': String(app.now / 1000 + 1) },
      { 'X-Timestamp': `${signed['X-Timestamp']}.0` },
      native.signatureOf('GET', path, text),
      native.signatureOf('POST', '/api/qr/confirm', text),
      native.signatureOf('POST', `${path}?`, text),
      native.signatureOf('POST', path, '{}'),
      native.signatureOf('POST', path, text, { nonce: 'fifteen-letters' }),
      native.signatureOf('POST', path, text, { timestamp: String(app.now / 1000 - 61) }),
      native.signatureOf('POST', path, text, { timestamp: String(app.now / 1000 + 61) }),
    ]
    for (const change of changes) {
      const response = await native.send('POST', path, { body, headers: { ...signed, ...change } })
      expect([change, await refusal(response)]).toEqual([change, wrong])
    }
    native.signingSecret = null
    expect(await refusal(await native.send('POST', path, { body }))).toEqual(wrong)
    native.signingSecret = 'another secret of the same length or so'
    expect(await refusal(await native.send('POST', path, { body }))).toEqual(wrong)
    // The refused requests have not consumed the nonce.
    expect((await native.send('POST', path, { body, headers: signed })).status).toBe(200)
  })

  test('pass with a timestamp at most 60 s off', async () => {
    for (const offset of [-60, 60]) {
      const signed = native.signatureOf('GET', '/api/sessions', '', { timestamp: String(app.now / 1000 + offset) })
      expect((await native.send('GET', '/api/sessions', { headers: signed })).status).toBe(200)
    }
  })

  test('of 50 identical concurrent requests exactly one passes', async () => {
    const signed = native.signatureOf('GET', '/api/sessions', '')
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => native.send('GET', '/api/sessions', { headers: signed })),
    )
    expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(49).fill(401)])
  })

  test('a nonce is refused later, after a restart, and with another signature', async () => {
    const at = (offset: number, nonce: string) =>
      native.signatureOf('GET', '/api/sessions', '', { timestamp: String(app.now / 1000 + offset), nonce })
    const ahead = at(60, 'the-same-nonce-again')
    expect((await native.send('GET', '/api/sessions', { headers: ahead })).status).toBe(200)
    app.restart()
    expect(await refusal(await native.send('GET', '/api/sessions', { headers: ahead }))).toEqual(wrong)
    const other = at(0, 'the-same-nonce-again')
    expect(await refusal(await native.send('GET', '/api/sessions', { headers: other }))).toEqual(wrong)
    app.now += 119_000
    expect(await refusal(await native.send('GET', '/api/sessions', { headers: ahead }))).toEqual(wrong)
  })

  test('two people can use the same nonce', async () => {
    const signed = native.signatureOf('GET', '/api/sessions', '')
    const other = new NativeApp(app, secretToken({ sub: 'user-2' }))
    for (const from of [native, other]) {
      expect((await from.send('GET', '/api/sessions', { headers: signed })).status).toBe(200)
    }
  })
})
