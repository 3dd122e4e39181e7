import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import type { AttemptView, Review } from '../core/attempt/views'

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
const confirm = (claim: string, by = phone) => by.send('POST', '/api/qr/confirm', { body: { claim } })

describe('scanning', () => {
  const scan = (code: string, by = phone) => by.send('POST', '/api/qr/scan', { body: { code } })

  test('gives the phone the review, and the computer the person', async () => {
    const attempt = await computer.start()
    app.now += 4_000
    expect(await phone.scan(attempt)).toEqual({
      app: null,
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
      match: { required: false, number: null, passed: false, reasons: [] },
    })
    expect(await read(attempt)).toMatchObject({ status: 'scanned', person: { name: 'Ada Byron' } })
  })

  test('a repeat gets the same response, even after the code has expired', async () => {
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

  test('a forged or malformed code is unknown', async () => {
    const attempt = await computer.start()
    const code = codeOf(attempt)
    for (const bad of [
      `${code.startsWith('B') ? 'C' : 'B'}${code.slice(1)}`,
      'x',
      `${code}x`,
      attempt.id,
      attempt.code?.url ?? '',
    ]) {
      expect(await refusal(await scan(bad))).toEqual({ status: 404, code: 'code_unknown' })
    }
  })

  test('a code expires after two periods', async () => {
    const attempt = await computer.start()
    app.now += 59_999
    const early = await computer.start()
    expect((await scan(codeOf(early))).status).toBe(200)
    app.now += 1
    expect(await refusal(await scan(codeOf(attempt)))).toEqual({ status: 410, code: 'code_expired' })
  })

  test('a cancelled attempt is attempt_ended', async () => {
    const attempt = await computer.start()
    await computer.send('DELETE', `/api/qr/${attempt.id}`)
    expect(await refusal(await scan(codeOf(attempt)))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('needs a signed-in phone', async () => {
    const attempt = await computer.start()
    const signedOut = new Browser(app)
    expect(await refusal(await scan(codeOf(attempt), signedOut))).toEqual({ status: 401, code: 'unauthenticated' })
    expect(await refusal(await scan(codeOf(attempt), computer))).toEqual({ status: 401, code: 'unauthenticated' })
    await phone.send('DELETE', '/api/phone/session')
    expect((await scan(codeOf(attempt))).status).toBe(401)
  })

  test('bearer tokens are refused without a configured key, and beside a cookie', async () => {
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

  test('is required when neither network nor browser is known', async () => {
    const { attempt, review, number } = await due()
    const reasons = ['new_browser', 'other_network']
    expect(review.match).toEqual({ required: true, number: expect.stringMatching(/^\d{2}$/), passed: false, reasons })
    expect(await read(attempt)).toMatchObject({ match: { required: true, passed: false, attemptsLeft: 2 } })
    expect(JSON.stringify(await read(attempt))).not.toContain(`"${number}"`)
    expect(await refusal(await confirm(review.claim))).toEqual({ status: 409, code: 'match_required' })
  })

  test('lets the phone confirm once it is typed, and can be typed again', async () => {
    const { attempt, review, number } = await due()
    expect(await (await match(attempt, number)).json()).toMatchObject({ match: { passed: true } })
    expect((await match(attempt, number)).status).toBe(200)
    expect((await confirm(review.claim)).status).toBe(200)
  })

  test('can be wrong once; the second wrong one ends the attempt', async () => {
    const { attempt, review, number, wrong } = await due()
    const once = await match(attempt, wrong)
    expect([once.status, await once.json()]).toMatchObject([409, { code: 'match_wrong', attemptsLeft: 1 }])
    expect(await refusal(await match(attempt, wrong))).toEqual({ status: 410, code: 'attempt_ended' })
    expect(await read(attempt)).toMatchObject({ status: 'cancelled', cancelledBy: 'match' })
    expect(await refusal(await match(attempt, number))).toEqual({ status: 410, code: 'attempt_ended' })
    expect(await refusal(await confirm(review.claim))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('is not required in a browser that the person has used within 90 days', async () => {
    await signInComputer(app, phone, computer)
    const { review } = await due()
    expect(review).toMatchObject({ computer: { known: true, sameNetwork: false }, match: { required: false } })
    app.now += 91 * 86_400_000
    phone = await signedInPhone(app, 'ada')
    expect((await due()).review).toMatchObject({ computer: { known: false }, match: { required: true } })
  })

  test('is per person: a browser that Ada used is new to Lin', async () => {
    await signInComputer(app, phone, computer)
    phone = await signedInPhone(app, 'lin')
    expect((await due()).review.computer.known).toBe(false)
  })

  test('is refused when it is not required', async () => {
    const attempt = await computer.start()
    await phone.scan(attempt)
    expect(await refusal(await match(attempt, '42'))).toEqual({ status: 409, code: 'match_not_due' })
    for (const bad of ['4', '423', 'ab', '4 ']) {
      expect(await refusal(await match(attempt, bad))).toEqual({ status: 400, code: 'bad_request' })
    }
  })
})

describe('a confirm before CONFIRM_MIN_MS', () => {
  const early = { status: 409, code: 'too_soon' }

  test('is refused for 700 ms after the first scan, with Retry-After', async () => {
    app.dispose()
    app = new App({ CONFIRM_MIN_MS: '700' })
    computer = new Browser(app)
    phone = await signedInPhone(app, 'ada')
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    app.now += 699
    const refused = await confirm(claim)
    expect(refused.headers.get('Retry-After')).toBe('1')
    expect(await refusal(refused)).toEqual(early)
    // A repeated scan does not restart the time.
    await phone.scan(attempt)
    app.now += 1
    expect((await confirm(claim)).status).toBe(200)
  })

  test('is match_required before too_soon, and counts as a confirm', async () => {
    app.dispose()
    app = new App({ CONFIRM_MIN_MS: '700', MATCH_POLICY: 'always' })
    computer = new Browser(app)
    phone = await signedInPhone(app, 'ada')
    const attempt = await computer.start()
    const { claim, match } = await phone.scan(attempt)
    expect(await refusal(await confirm(claim))).toEqual({ status: 409, code: 'match_required' })
    await computer.get('POST', `/api/qr/${attempt.id}/match`, { number: match.number })
    for (let count = 0; count < 9; count += 1) expect(await refusal(await confirm(claim))).toEqual(early)
    app.now += 700
    expect((await confirm(claim)).status).toBe(429)
  })
})
