import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AttemptView, Review } from '../attempt/views'
import type { SessionView } from '../session/session'
import { App, Browser, codeOf, ORIGIN, refusal, signedInPhone, signInComputer } from '../testing/app'

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
const redeem = (attempt: AttemptView, ticket: string | undefined, by = computer) =>
  by.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
const confirm = (claim: string, by = phone) => by.send('POST', '/api/qr/confirm', { body: { claim } })
const cancel = (claim: string, by = phone) => by.send('POST', '/api/qr/cancel', { body: { claim } })

async function confirmed(): Promise<AttemptView> {
  const attempt = await computer.start()
  const { claim } = await phone.scan(attempt)
  expect((await confirm(claim)).status).toBe(200)
  return await read(attempt)
}

describe('starting', () => {
  test('answers 201 with the attempt, where it is, and a secret for the browser', async () => {
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

  test('takes no body too, and gives a known browser no new secret', async () => {
    await computer.start()
    const again = await computer.send('POST', '/api/qr')
    expect([again.status, again.headers.getSetCookie()]).toEqual([201, []])
  })

  test('lets the client choose nothing', async () => {
    const response = await computer.send('POST', '/api/qr', { body: { id: 'AAAAAAAAAAAAAAAA' } })
    expect(await refusal(response)).toEqual({ status: 400, code: 'bad_request' })
  })

  test('is refused to addresses that are not on the list', async () => {
    app.dispose()
    app = new App({ IP_ALLOWLIST: '203.0.113.0/24' })
    const inside = new Browser(app)
    const outside = new Browser(app)
    outside.address = '198.51.100.1'
    const unknown = new Browser(app)
    unknown.address = ''
    expect((await inside.send('POST', '/api/qr')).status).toBe(201)
    for (const browser of [outside, unknown]) {
      expect(await refusal(await browser.send('POST', '/api/qr'))).toEqual({ status: 403, code: 'address_refused' })
    }
  })
})

describe('reading', () => {
  test('gives an ETag that changes with the version and with the code', async () => {
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

  test('answers 304 to whoever has it already', async () => {
    const attempt = await computer.start()
    const path = `/api/qr/${attempt.id}`
    const etag = (await computer.send('GET', path)).headers.get('ETag') ?? ''
    const again = await computer.send('GET', path, { headers: { 'If-None-Match': etag } })
    expect([again.status, again.headers.get('ETag'), await again.text()]).toEqual([304, etag, ''])
    app.now += 30_000
    expect((await computer.send('GET', path, { headers: { 'If-None-Match': etag } })).status).toBe(200)
  })

  test('gives a new code each period', async () => {
    const attempt = await computer.start()
    app.now += 29_999
    expect((await read(attempt)).code).toMatchObject({ url: attempt.code?.url, expiresInMs: 1 })
    app.now += 1
    expect((await read(attempt)).code?.url).not.toBe(attempt.code?.url)
  })
})

describe('waiting for a change', () => {
  const wait = (attempt: AttemptView, query: string, signal?: AbortSignal) =>
    computer.send('GET', `/api/qr/${attempt.id}?${query}`, signal === undefined ? {} : { signal })

  test('answers as soon as the version is higher', async () => {
    const attempt = await computer.start()
    const waiting = wait(attempt, 'after=1&waitMs=20000')
    await phone.scan(attempt)
    expect(await (await waiting).json()).toMatchObject({ status: 'scanned', version: 2 })
  })

  test('answers at once when it is higher already', async () => {
    const attempt = await computer.start()
    await phone.scan(attempt)
    expect((await wait(attempt, 'after=1&waitMs=20000')).status).toBe(200)
  })

  test('answers 204 when nothing changes', async () => {
    const attempt = await computer.start()
    expect((await wait(attempt, 'after=1&waitMs=30')).status).toBe(204)
    expect((await wait(attempt, 'after=1')).status).toBe(204)
  })

  test('answers when a new code is due', async () => {
    const attempt = await computer.start()
    app.now += 29_950
    const waiting = wait(attempt, 'after=1&waitMs=5000')
    setTimeout(() => {
      app.now += 60
    }, 20)
    const answer = (await (await waiting).json()) as AttemptView
    expect(answer.code?.url).not.toBe(attempt.code?.url)
  })

  test('answers when time runs out: the version counts as one higher', async () => {
    const attempt = await computer.start()
    app.now += 300_000
    expect(await (await wait(attempt, 'after=1&waitMs=5000')).json()).toMatchObject({ status: 'expired', version: 2 })
    expect((await wait(attempt, 'after=2&waitMs=20000')).status).toBe(204)
  })

  test('ends when the client has gone', async () => {
    const attempt = await computer.start()
    const controller = new AbortController()
    const waiting = wait(attempt, 'after=1&waitMs=20000', controller.signal)
    setTimeout(() => controller.abort(), 10)
    expect((await waiting).status).toBe(204)
  })

  test('takes whole numbers only', async () => {
    const attempt = await computer.start()
    for (const query of ['after=x', 'after=-1', 'after=1&waitMs=1.5', 'after=1&after=2']) {
      expect(await refusal(await wait(attempt, query))).toEqual({ status: 400, code: 'bad_request' })
    }
  })
})

describe('scanning', () => {
  const scan = (code: string, by = phone) => by.send('POST', '/api/qr/scan', { body: { code } })

  test('shows the phone what it needs to judge, and the computer whose phone it was', async () => {
    const attempt = await computer.start()
    app.now += 4_000
    expect(await phone.scan(attempt)).toEqual({
      claim: expect.any(String),
      status: 'scanned',
      expiresInMs: 120_000,
      computer: {
        browser: 'Firefox',
        os: 'Linux',
        place: null,
        requestedAgoMs: 4_000,
        sameNetwork: true,
        known: false,
      },
      match: { required: false, number: null, passed: false },
    })
    expect(await read(attempt)).toMatchObject({ status: 'scanned', person: { name: 'Ada Byron' } })
  })

  test('a repeat gives the same answer, even when the code has died since', async () => {
    const attempt = await computer.start()
    const first = await phone.scan(attempt)
    app.now += 90_000
    expect(await phone.scan(attempt)).toMatchObject({ claim: first.claim, status: 'scanned', expiresInMs: 30_000 })
  })

  test('a second phone is refused', async () => {
    const attempt = await computer.start()
    await phone.scan(attempt)
    const lin = await signedInPhone(app, 'lin')
    expect(await refusal(await scan(codeOf(attempt), lin))).toEqual({ status: 409, code: 'attempt_taken' })
  })

  test('a code that we did not make is unknown, be it forged or malformed', async () => {
    const attempt = await computer.start()
    const code = codeOf(attempt)
    for (const bad of [`B${code.slice(1)}`, 'x', `${code}x`, attempt.id, attempt.code?.url ?? '']) {
      expect(await refusal(await scan(bad))).toEqual({ status: 404, code: 'code_unknown' })
    }
  })

  test('a code is dead after two periods, and still told apart when the attempt is forgotten', async () => {
    const attempt = await computer.start()
    app.now += 59_999
    const early = await computer.start()
    expect((await scan(codeOf(early))).status).toBe(200)
    app.now += 1
    expect(await refusal(await scan(codeOf(attempt)))).toEqual({ status: 410, code: 'code_expired' })
  })

  test('an attempt that was cancelled is over', async () => {
    const attempt = await computer.start()
    await computer.send('DELETE', `/api/qr/${attempt.id}`)
    expect(await refusal(await scan(codeOf(attempt)))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('needs a phone that is signed in', async () => {
    const attempt = await computer.start()
    const stranger = new Browser(app)
    expect(await refusal(await scan(codeOf(attempt), stranger))).toEqual({ status: 401, code: 'unauthenticated' })
    expect(await refusal(await scan(codeOf(attempt), computer))).toEqual({ status: 401, code: 'unauthenticated' })
    await phone.send('DELETE', '/api/phone/session')
    expect((await scan(codeOf(attempt))).status).toBe(401)
  })

  test('bearer tokens are refused, not taken for a cookie', async () => {
    const body = { code: codeOf(await computer.start()) }
    const headers = { Authorization: 'Bearer x.y.z' }
    const both = await phone.send('POST', '/api/qr/scan', { body, headers })
    expect(await refusal(both)).toEqual({ status: 400, code: 'two_identities' })
    const alone = await new Browser(app).send('POST', '/api/qr/scan', { body, headers })
    expect(await refusal(alone)).toEqual({ status: 401, code: 'token_wrong' })
  })
})

describe('the number', () => {
  const match = (attempt: AttemptView, number: string) =>
    computer.send('POST', `/api/qr/${attempt.id}/match`, { body: { number } })

  async function due(): Promise<{ attempt: AttemptView; review: Review; number: string; wrong: string }> {
    phone.address = '198.51.100.9'
    const attempt = await computer.start()
    const review = await phone.scan(attempt)
    const number = review.match.number ?? ''
    return { attempt, review, number, wrong: number === '42' ? '43' : '42' }
  }

  test('is asked for when neither network nor browser is known', async () => {
    const { attempt, review, number } = await due()
    expect(review.match).toEqual({ required: true, number: expect.stringMatching(/^\d{2}$/), passed: false })
    expect(await read(attempt)).toMatchObject({ match: { required: true, passed: false, attemptsLeft: 2 } })
    expect(JSON.stringify(await read(attempt))).not.toContain(`"${number}"`)
    expect(await refusal(await confirm(review.claim))).toEqual({ status: 409, code: 'match_required' })
  })

  test('lets the phone confirm once it was typed, and may be typed again', async () => {
    const { attempt, review, number } = await due()
    expect(await (await match(attempt, number)).json()).toMatchObject({ match: { passed: true } })
    expect((await match(attempt, number)).status).toBe(200)
    expect((await confirm(review.claim)).status).toBe(200)
  })

  test('may be wrong once; the second time ends the attempt for good', async () => {
    const { attempt, review, number, wrong } = await due()
    const once = await match(attempt, wrong)
    expect([once.status, await once.json()]).toMatchObject([409, { code: 'match_wrong', attemptsLeft: 1 }])
    expect(await refusal(await match(attempt, wrong))).toEqual({ status: 410, code: 'attempt_ended' })
    expect(await read(attempt)).toMatchObject({ status: 'cancelled', cancelledBy: 'match' })
    expect(await refusal(await match(attempt, number))).toEqual({ status: 410, code: 'attempt_ended' })
    expect(await refusal(await confirm(review.claim))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('is not asked for again in a browser that the person has used', async () => {
    await signInComputer(app, phone, computer)
    const { review } = await due()
    expect(review).toMatchObject({ computer: { known: true, sameNetwork: false }, match: { required: false } })
    app.now += 91 * 86_400_000
    phone = await signedInPhone(app, 'ada')
    expect((await due()).review).toMatchObject({ computer: { known: false }, match: { required: true } })
  })

  test('is known per person: what Ada used is new to Lin', async () => {
    await signInComputer(app, phone, computer)
    phone = await signedInPhone(app, 'lin')
    expect((await due()).review.computer.known).toBe(false)
  })

  test('is not due when nobody asks for it', async () => {
    const attempt = await computer.start()
    await phone.scan(attempt)
    expect(await refusal(await match(attempt, '42'))).toEqual({ status: 409, code: 'match_not_due' })
    for (const bad of ['4', '423', 'ab', '4 ']) {
      expect(await refusal(await match(attempt, bad))).toEqual({ status: 400, code: 'bad_request' })
    }
  })
})

describe('answering on the phone', () => {
  test('yes gives the computer its ticket; again gives the same answer', async () => {
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    expect(await (await confirm(claim)).json()).toMatchObject({ status: 'confirmed', claim, expiresInMs: 60_000 })
    expect(await (await confirm(claim)).json()).toMatchObject({ status: 'confirmed' })
    expect(await read(attempt)).toMatchObject({ status: 'confirmed', version: 3, ticket: expect.any(String) })
  })

  test('no ends it; again gives the same answer', async () => {
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    expect(await (await cancel(claim)).json()).toMatchObject({ status: 'cancelled' })
    expect((await cancel(claim)).status).toBe(200)
    expect(await read(attempt)).toMatchObject({ status: 'cancelled', cancelledBy: 'phone', expiresInMs: 0 })
    expect(await refusal(await confirm(claim))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('a forged or malformed claim is unknown', async () => {
    const { claim } = await phone.scan(await computer.start())
    for (const bad of [`B${claim.slice(1)}`, 'x', claim.slice(0, -1)]) {
      expect(await refusal(await confirm(bad))).toEqual({ status: 404, code: 'claim_unknown' })
      expect(await refusal(await cancel(bad))).toEqual({ status: 404, code: 'claim_unknown' })
    }
  })

  test('a phone that has signed out meanwhile answers nothing', async () => {
    const { claim } = await phone.scan(await computer.start())
    const cookies = new Map(phone.cookies)
    await phone.send('DELETE', '/api/phone/session')
    for (const [name, value] of cookies) phone.cookies.set(name, value)
    expect(await refusal(await confirm(claim))).toEqual({ status: 401, code: 'unauthenticated' })
  })
})

describe('redeeming', () => {
  test('makes a session and sets its cookie', async () => {
    const attempt = await confirmed()
    const response = await redeem(attempt, attempt.ticket)
    const answer = (await response.json()) as { person: unknown; session: SessionView }
    expect(answer).toMatchObject({
      person: { id: 'ada', name: 'Ada Byron', avatarUrl: '/avatars/ada.svg' },
      session: { browser: 'Firefox', os: 'Linux', current: true, method: 'qr' },
    })
    expect(await computer.get('GET', '/api/session')).toMatchObject({
      signedIn: true,
      session: { id: answer.session.id },
    })
    expect(await read(attempt)).toMatchObject({ status: 'redeemed', expiresInMs: 0 })
  })

  test('a repeat within 10 s gives the same session, later none', async () => {
    const attempt = await confirmed()
    const sessionId = async () => {
      const answer = (await (await redeem(attempt, attempt.ticket)).json()) as { session: SessionView }
      return answer.session.id
    }
    const first = await sessionId()
    app.now += 10_000
    expect(await sessionId()).toBe(first)
    app.now += 1
    expect(await refusal(await redeem(attempt, attempt.ticket))).toEqual({ status: 409, code: 'wrong_state' })
    expect(await phone.get('GET', '/api/sessions')).toMatchObject({ sessions: [{ id: first }] })
  })

  test('a wrong ticket, and the ticket of another attempt, redeem nothing', async () => {
    const attempt = await confirmed()
    const other = await confirmed()
    for (const bad of ['x', other.ticket]) {
      expect(await refusal(await redeem(attempt, bad))).toEqual({ status: 403, code: 'ticket_wrong' })
    }
  })

  test('a ticket that nobody fetched in time is worth nothing', async () => {
    const attempt = await confirmed()
    app.now += 60_000
    expect(await refusal(await redeem(attempt, attempt.ticket))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('the older session of the same browser ends', async () => {
    await signInComputer(app, phone, computer)
    const older = (await computer.get<{ session: SessionView }>('GET', '/api/session')).session.id
    await signInComputer(app, await signedInPhone(app, 'lin'), computer)
    expect(await phone.get('GET', '/api/sessions')).toEqual({ sessions: [] })
    const session = await computer.get<{ person: { id: string }; session: SessionView }>('GET', '/api/session')
    expect(session.person.id).toBe('lin')
    expect(session.session.id).not.toBe(older)
  })

  test('of redeem and cancel one wins', async () => {
    const first = await confirmed()
    expect((await redeem(first, first.ticket)).status).toBe(200)
    expect(await refusal(await computer.send('DELETE', `/api/qr/${first.id}`))).toEqual({
      status: 409,
      code: 'wrong_state',
    })
    const second = await confirmed()
    expect((await computer.send('DELETE', `/api/qr/${second.id}`)).status).toBe(204)
    expect(await refusal(await redeem(second, second.ticket))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('a restart in the middle loses nothing', async () => {
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    app.restart()
    expect((await confirm(claim)).status).toBe(200)
    app.restart()
    const { ticket } = await read(attempt)
    expect((await redeem(attempt, ticket)).status).toBe(200)
    app.restart()
    expect(await computer.get('GET', '/api/session')).toMatchObject({ signedIn: true })
  })

  test('SINGLE_COMPUTER signs the other computers out', async () => {
    app.dispose()
    app = new App({ SINGLE_COMPUTER: 'true' })
    phone = await signedInPhone(app, 'ada')
    const first = await signInComputer(app, phone)
    const second = await signInComputer(app, phone)
    expect(await first.get('GET', '/api/session')).toEqual({ signedIn: false })
    expect(await second.get('GET', '/api/session')).toMatchObject({ signedIn: true })
  })
})

describe('leaving', () => {
  test('cancels, and again is no error', async () => {
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
