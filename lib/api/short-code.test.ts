import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { App, Browser, codeOf, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import { pendingAttempt, T0 } from '../../test/support/fixtures'
import { BEARER_ENV, NativeApp, secretToken } from '../../test/support/tokens'
import { toShortCodeRecord } from '../core/attempt/short-codes'
import type { AttemptView, Review } from '../core/attempt/views'
import { SqliteStore } from '../stores/sqlite/store'

const ATTEMPT_MS = 300_000
const CONFIRM_MS = 120_000
const BLOCK_MS = 600_000
const CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/

/** Short codes that lead nowhere. */
const WRONG = ['BBBB-BBBB', 'CCCC-CCCC', 'DDDD-DDDD', 'FFFF-FFFF', 'not a code']

let app: App
let computer: Browser
let phone: Browser

async function restartWith(env: Record<string, string>): Promise<void> {
  app.dispose()
  await open(env)
}

async function open(env: Record<string, string> = {}): Promise<void> {
  app = new App(env)
  computer = new Browser(app)
  phone = await signedInPhone(app, 'ada')
}

beforeEach(() => open())
afterEach(() => app.dispose())

const askFor = ({ id }: { id: string }, by = computer, body: unknown = {}) =>
  by.send('POST', `/api/qr/${id}/short-code`, { body })
const type = (shortCode: string, by = phone) => by.send('POST', '/api/qr/scan', { body: { shortCode } })
const scan = (shortCode: string, by = phone) => by.get<Review>('POST', '/api/qr/scan', { shortCode })
const read = ({ id }: { id: string }) => computer.get<AttemptView>('GET', `/api/qr/${id}`)
const statusOf = async (response: Promise<Response>) => (await response).status

const unknown = { status: 404, code: 'code_unknown' }
const limited = { status: 429, code: 'rate_limited' }

async function start(by = computer): Promise<{ attempt: AttemptView; shortCode: string }> {
  const attempt = await by.start()
  const { shortCode } = await by.get<{ shortCode: string }>('POST', `/api/qr/${attempt.id}/short-code`)
  return { attempt, shortCode }
}

describe('the short code of an attempt', () => {
  test('has 8 letters without vowels, and the remaining time of the attempt', async () => {
    const attempt = await computer.start()
    app.now += 10_000
    const response = await askFor(attempt)
    expect(await response.json()).toEqual({
      shortCode: expect.stringMatching(CODE),
      expiresInMs: ATTEMPT_MS - 10_000,
    })
    expect(response.headers.get('Cache-Control')).toBe('no-store')
  })

  test('is the same for a repeat, concurrent or after a restart; the attempt does not change', async () => {
    const attempt = await computer.start()
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await (await askFor(attempt)).json()))
    app.restart()
    answers.push(await (await askFor(attempt)).json())
    expect(new Set(answers.map(({ shortCode }) => shortCode)).size).toBe(1)
    expect(await read(attempt)).toEqual(attempt)
  })

  test('is another one for each attempt', async () => {
    const codes = [await start(), await start(), await start()].map(({ shortCode }) => shortCode)
    expect(new Set(codes).size).toBe(3)
  })

  test('is for the browser of the attempt only: any other gets the same 404 as for an unknown id', async () => {
    const attempt = await computer.start()
    const other = new Browser(app)
    await other.start()
    const problems = []
    for (const [by, id] of [
      [other, attempt.id],
      [phone, attempt.id],
      [computer, 'A'.repeat(16)],
    ] as const) {
      const { requestId: _, ...problem } = await (await askFor({ id }, by)).json()
      problems.push(problem)
    }
    expect(problems[0]).toMatchObject({ status: 404, code: 'not_found' })
    expect(problems.slice(1)).toEqual([problems[0], problems[0]])
  })

  test.each([
    ['scanned', { status: 409, code: 'wrong_state' }],
    ['cancelled', { status: 410, code: 'attempt_ended' }],
    ['expired', { status: 410, code: 'attempt_ended' }],
  ])('is refused when the attempt is %s, also one that was given before', async (status, expected) => {
    const { attempt } = await start()
    if (status === 'scanned') await phone.scan(attempt)
    if (status === 'cancelled') await computer.send('DELETE', `/api/qr/${attempt.id}`)
    if (status === 'expired') app.now += ATTEMPT_MS
    expect(await refusal(await askFor(attempt))).toEqual(expected)
  })

  test('is not given to another site, or for an unknown field', async () => {
    const attempt = await computer.start()
    const foreign = await computer.send('POST', `/api/qr/${attempt.id}/short-code`, { site: 'cross-site' })
    expect(await refusal(foreign)).toEqual({ status: 403, code: 'cross_site' })
    expect(await statusOf(askFor(attempt, computer, { code: 'WDJB-MJHT' }))).toBe(400)
  })
})

describe('a typed code', () => {
  test('signs the computer in: scan, number, confirm, redeem', async () => {
    const { attempt, shortCode } = await start()
    const review = await scan(shortCode)
    expect(await read(attempt)).toMatchObject({ status: 'scanned', person: { name: 'Ada Byron' } })
    await computer.get('POST', `/api/qr/${attempt.id}/match`, { number: review.match.number })
    await phone.get('POST', '/api/qr/confirm', { claim: review.claim })
    const { ticket } = await read(attempt)
    await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
    expect(await computer.get('GET', '/api/session')).toMatchObject({ signedIn: true })
  })

  test('is taken in any letter case, with and without the dash, with spaces', async () => {
    for (const spell of [
      (code: string) => code.toLowerCase(),
      (code: string) => code.replace('-', ''),
      (code: string) => ` ${code.replace('-', ' ')} `,
      (code: string) => [...code.replace('-', '')].join(' '),
    ]) {
      const { shortCode } = await start()
      expect((await scan(spell(shortCode))).status).toBe('scanned')
    }
  })

  test.each(['risk', 'never', 'always'])('makes the number due with MATCH_POLICY=%s, and says why', async (policy) => {
    await restartWith({ MATCH_POLICY: policy })
    // Same network, and a browser that Ada has used: the policy alone asks for nothing.
    if (policy !== 'always') await signInComputer(app, phone, computer)
    const { attempt, shortCode } = await start()
    const { match, claim } = await scan(shortCode)
    const reasons = policy === 'always' ? ['short_code', 'policy'] : ['short_code']
    expect(match).toEqual({ required: true, number: expect.stringMatching(/^\d{2}$/), passed: false, reasons })
    expect(await read(attempt)).toMatchObject({ match: { required: true } })
    const early = await phone.send('POST', '/api/qr/confirm', { body: { claim } })
    expect(await refusal(early)).toEqual({ status: 409, code: 'match_required' })
  })

  test('keeps the number due when the same phone scans the QR code afterwards', async () => {
    const { attempt, shortCode } = await start()
    const { claim } = await scan(shortCode)
    expect(await phone.scan(attempt)).toMatchObject({ claim, match: { required: true, reasons: ['short_code'] } })
  })

  test('of a device that shows a user code is found, and needs no number under any policy', async () => {
    await restartWith({ MATCH_POLICY: 'always' })
    const device = { name: 'TV', logoUrl: null, host: null, scopes: null, clientId: 'tv', interaction: null }
    const attempt = { ...pendingAttempt(), app: { ...device, userCode: 'WDJB-MJHT' } }
    const store = new SqliteStore(app.folder, () => {})
    store.insertAttempt(attempt)
    store.insertRecord(toShortCodeRecord('WDJBMJHT', attempt.id, T0 + ATTEMPT_MS), T0, 'unauthenticated')
    store.close()
    expect(await scan('wdjb-mjht')).toMatchObject({
      userCode: 'WDJB-MJHT',
      match: { required: false, number: null, reasons: [] },
    })
  })

  test('needs a signed-in phone, and is sent alone', async () => {
    const { attempt, shortCode } = await start()
    expect(await refusal(await type(shortCode, new Browser(app)))).toEqual({ status: 401, code: 'unauthenticated' })
    for (const body of [{ shortCode, code: codeOf(attempt) }, { shortCode, held: true }, { shortCode: '' }, {}]) {
      expect([body, await statusOf(phone.send('POST', '/api/qr/scan', { body }))]).toEqual([body, 400])
    }
    expect(await read(attempt)).toEqual(attempt)
  })

  test.each(['', 'WDJB', 'WDJB-MJHTX', 'AEIO-UAEI', '12345678', 'short-code', '\u0000'.repeat(8)])(
    'that is %j is unknown',
    async (typed) => {
      await start()
      const expected = typed === '' ? { status: 400, code: 'bad_request' } : unknown
      expect(await refusal(await type(typed))).toEqual(expected)
    },
  )
})

describe('the end of a short code', () => {
  test('is the scan: any other phone is refused, and the same phone gets the same response', async () => {
    const { shortCode } = await start()
    const { claim } = await scan(shortCode)
    const lin = await signedInPhone(app, 'lin')
    const secondOfAda = await signedInPhone(app, 'ada')
    for (const other of [lin, secondOfAda]) {
      expect(await refusal(await type(shortCode, other))).toEqual({ status: 409, code: 'attempt_taken' })
    }
    app.now += CONFIRM_MS - 1
    expect(await scan(shortCode)).toMatchObject({ claim, status: 'scanned', expiresInMs: 1 })
  })

  test('is the scan of the QR code too', async () => {
    const { attempt, shortCode } = await start()
    await phone.scan(attempt)
    const lin = await signedInPhone(app, 'lin')
    expect(await refusal(await type(shortCode, lin))).toEqual({ status: 409, code: 'attempt_taken' })
  })

  test('is the end of the attempt: cancelled, redeemed or expired', async () => {
    const ended = { status: 410, code: 'attempt_ended' }
    const cancelled = await start()
    await computer.send('DELETE', `/api/qr/${cancelled.attempt.id}`)
    expect(await refusal(await type(cancelled.shortCode))).toEqual(ended)
    const expired = await start()
    app.now += ATTEMPT_MS
    expect(await refusal(await type(expired.shortCode))).toEqual(ended)
    app.now += ATTEMPT_MS
    expect(await refusal(await type(expired.shortCode))).toEqual(unknown)
  })

  test('a scan shortly before the end can be repeated until the time to confirm is over', async () => {
    const { shortCode } = await start()
    app.now += ATTEMPT_MS - 1
    await scan(shortCode)
    app.now += CONFIRM_MS - 1
    expect(await scan(shortCode)).toMatchObject({ status: 'scanned', expiresInMs: 1 })
  })

  test('of 20 phones that type one code exactly one scans', async () => {
    const people = ['ada', 'lin', 'sam', 'yuki']
    const phones = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const browser = new Browser(app)
        browser.address = `198.51.100.${index}`
        return browser.signInPhone(people[index % 4] ?? '').then(() => browser)
      }),
    )
    const { attempt, shortCode } = await start()
    const statuses = await Promise.all(phones.map((each) => statusOf(type(shortCode, each))))
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 409)])
    const winner = phones[statuses.indexOf(200)] as Browser
    const { claim } = await scan(shortCode, winner)
    expect(claim).toEqual(expect.any(String))
    expect((await read(attempt)).status).toBe('scanned')
  })
})

describe('wrong short codes', () => {
  test('five block that person’s short codes for 10 minutes, right ones too, on every phone', async () => {
    for (const wrong of WRONG) expect(await refusal(await type(wrong))).toEqual(unknown)
    const { shortCode } = await start()
    const blocked = await type(shortCode)
    expect(blocked.headers.get('Retry-After')).toBe(String(BLOCK_MS / 1_000))
    expect(await refusal(blocked)).toEqual(limited)
    app.restart()
    expect(await refusal(await type(shortCode, await signedInPhone(app, 'ada')))).toEqual(limited)
    expect((await scan(shortCode, await signedInPhone(app, 'lin'))).status).toBe('scanned')
    app.now += BLOCK_MS
    expect((await scan((await start()).shortCode)).status).toBe('scanned')
  })

  test('do not block QR codes, and unknown QR codes are counted apart', async () => {
    for (const wrong of WRONG) await type(wrong)
    expect((await phone.scan(await computer.start())).status).toBe('scanned')
    const lin = await signedInPhone(app, 'lin')
    for (const code of ['1', '2', '3', '4']) await lin.send('POST', '/api/qr/scan', { body: { code } })
    for (const wrong of WRONG.slice(0, 4)) expect(await refusal(await type(wrong, lin))).toEqual(unknown)
    app.now += 60_000
    expect((await scan((await start()).shortCode, lin)).status).toBe('scanned')
  })

  test('are counted alone: right codes and codes that another phone has scanned are not', async () => {
    for (const wrong of WRONG.slice(0, 4)) await type(wrong)
    for (let round = 0; round < 3; round += 1) {
      app.now += 60_000
      const { shortCode } = await start()
      await scan(shortCode)
      const taken = await start()
      await scan(taken.shortCode, await signedInPhone(app, 'lin'))
      expect(await refusal(await type(taken.shortCode))).toEqual({ status: 409, code: 'attempt_taken' })
    }
    expect(await refusal(await type('GGGG-GGGG'))).toEqual(unknown)
    expect(await refusal(await type('GGGG-GGGG'))).toEqual(limited)
  })

  test('of concurrent ones exactly five are looked up', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => type('BBBB-BBBB').then(refusal)))
    expect(answers.filter(({ code }) => code === 'code_unknown')).toHaveLength(5)
    expect(answers.filter(({ code }) => code === 'rate_limited')).toHaveLength(5)
  })

  test('30 block an address for 10 minutes, whoever types; another address and QR codes go on', async () => {
    await restartWith(BEARER_ENV)
    const person = (index: number, address: string) => {
      const native = new NativeApp(app, secretToken({ sub: `person-${index}`, exp: T0 / 1000 + 3_600 }))
      native.address = address
      return native
    }
    const guess = (index: number, shortCode = 'BBBB-BBBB', address = '198.51.100.7') =>
      person(index, address).send('POST', '/api/qr/scan', { body: { shortCode } })
    const tried = await Promise.all(Array.from({ length: 60 }, (_, index) => guess(index).then(refusal)))
    expect(tried.filter(({ code }) => code === 'code_unknown')).toHaveLength(30)
    const { attempt, shortCode } = await start()
    expect(await refusal(await guess(99, shortCode))).toEqual(limited)
    const byCode = await person(99, '198.51.100.7').send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    expect(byCode.status).toBe(200)
    const other = await start()
    expect((await guess(98, other.shortCode, '198.51.100.8')).status).toBe(200)
    app.now += BLOCK_MS
    expect((await guess(97, (await start()).shortCode)).status).toBe(200)
  })

  test('of a blocked person and right ones are refused alike, before the store is asked', async () => {
    for (const wrong of WRONG) await type(wrong)
    const { attempt, shortCode } = await start()
    const find = vi.spyOn(SqliteStore.prototype, 'findRecord')
    const answers = [await type(shortCode), await type('BBBB-BBBB')]
    expect(find).not.toHaveBeenCalled()
    find.mockRestore()
    const [right, wrong] = await Promise.all(answers.map(async (each) => ({ ...(await each.json()), requestId: '' })))
    expect(right).toEqual(wrong)
    expect(await read(attempt)).toEqual(attempt)
  })

  test('are not looked up when the limits fail', async () => {
    const { attempt, shortCode } = await start()
    app.breakLimits()
    expect(await statusOf(type(shortCode))).toBe(503)
    expect((await read(attempt)).status).toBe('pending')
  })
})
