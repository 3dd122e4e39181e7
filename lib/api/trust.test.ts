import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, dataOf, readFrames, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import type { AttemptView, Review } from '../core/attempt/views'
import type { SessionView } from '../core/session/session'

let app: App
let phone: Browser
/**
 * On another network than the phone, so that "known" alone decides whether a number is required.
 */
let computer: Browser

beforeEach(async () => {
  app = new App({ MATCH_POLICY: 'risk' })
  phone = await signedInPhone(app, 'ada')
  computer = away()
})
afterEach(() => app.dispose())

function away(): Browser {
  const browser = new Browser(app)
  browser.address = '198.51.100.7'
  return browser
}

/** A complete sign-in, with the number if it is required. Returns the review. */
async function signIn(browser = computer, by = phone): Promise<Review> {
  const attempt = await browser.start()
  const review = await by.scan(attempt)
  if (review.match.required) await browser.get('POST', `/api/qr/${attempt.id}/match`, { number: review.match.number })
  await by.get('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = await browser.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  await browser.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  // Starts a new window of the rate limits.
  app.now += 61_000
  return review
}

const sessionsOf = async (browser: Browser) =>
  (await browser.get<{ sessions: SessionView[] }>('GET', '/api/sessions')).sessions
const isSignedIn = async (browser: Browser) =>
  (await browser.get<{ signedIn: boolean }>('GET', '/api/session')).signedIn

test('a browser that the person has used is known, and requires no number', async () => {
  expect((await signIn()).match.required).toBe(true)
  const again = await signIn()
  expect([again.computer.known, again.match.required]).toEqual([true, false])
})

test('a browser is known for 90 days after a sign-in', async () => {
  const DAY_MS = 86_400_000
  const knownAfter = async (days: number) => {
    const signedInAt = app.now
    await signIn()
    app.now = signedInAt + days * DAY_MS
    // The session of the phone has expired meanwhile.
    const { computer: reviewed } = await (await signedInPhone(app, 'ada')).scan(await computer.start())
    return reviewed.known
  }
  expect(await knownAfter(89)).toBe(true)
  await phone.signInPhone('ada')
  expect(await knownAfter(90)).toBe(false)
})

describe('a computer that is signed out from elsewhere is no longer known', () => {
  const ways: [string, () => Promise<Response>][] = [
    [
      'from the list on the phone',
      async () => phone.send('DELETE', `/api/sessions/${(await sessionsOf(phone))[0]?.id}`),
    ],
    ['everywhere, from the phone', () => phone.send('DELETE', '/api/sessions')],
  ]
  test.each(ways)('%s', async (_, end) => {
    await signIn()
    expect((await end()).status).toBe(204)
    expect(await isSignedIn(computer)).toBe(false)
    expect((await signIn()).match.required).toBe(true)
  })

  test('by another computer, one or all', async () => {
    const home = new Browser(app)
    for (const path of [async () => `/api/sessions/${(await sessionsOf(phone))[0]?.id}`, () => '/api/sessions']) {
      await signIn(home)
      await signIn(computer)
      expect((await home.send('DELETE', await path())).status).toBe(204)
      expect([await isSignedIn(home), await isSignedIn(computer)]).toEqual([true, false])
      expect((await signIn(computer)).computer.known).toBe(false)
      expect((await signIn(home)).computer.known).toBe(true)
    }
  })

  test('by a sign-in elsewhere with SINGLE_COMPUTER', async () => {
    app.dispose()
    app = new App({ SINGLE_COMPUTER: 'true' })
    phone = await signedInPhone(app, 'ada')
    computer = away()
    await signIn(computer)
    await signIn(away())
    expect(await isSignedIn(computer)).toBe(false)
    expect((await signIn(computer)).match.required).toBe(true)
  })

  test('everywhere, even if its session had ended before', async () => {
    await signIn(computer)
    await computer.send('DELETE', '/api/session')
    await phone.send('DELETE', '/api/sessions')
    expect((await signIn(computer)).match.required).toBe(true)
  })
})

test('a sign-out on the computer itself keeps the browser known', async () => {
  await signIn()
  expect((await computer.send('DELETE', '/api/session')).status).toBe(204)
  expect((await signIn()).match.required).toBe(false)
  const [own] = await sessionsOf(computer)
  expect((await computer.send('DELETE', `/api/sessions/${own?.id}`)).status).toBe(204)
  expect((await signIn()).match.required).toBe(false)
})

describe('"Wasn\'t you?"', () => {
  const cancel = (claim: string, by = phone) => by.send('POST', '/api/qr/cancel', { body: { claim } })

  test('signs exactly that computer out, also repeatedly, for 10 minutes', async () => {
    const other = away()
    await signIn(other)
    const { claim } = await signIn(computer)
    for (const waitMs of [0, 0, 300_000]) {
      app.now += waitMs
      const review = (await (await cancel(claim)).json()) as Review
      expect(review).toMatchObject({ claim, status: 'revoked' })
      expect([await isSignedIn(computer), await isSignedIn(other)]).toEqual([false, true])
    }
    app.now += 300_000
    expect([404, 409]).toContain((await cancel(claim)).status)
  })

  test('makes the browser unknown, even after a sign-out on it', async () => {
    const { claim } = await signIn(computer)
    await computer.send('DELETE', '/api/session')
    expect(await refusalOrStatus(await cancel(claim))).toBe('revoked')
    expect((await signIn(computer)).match.required).toBe(true)
  })

  test('keeps a newer sign-in of another browser, and is refused for other phones', async () => {
    const { claim } = await signIn(computer)
    const newer = away()
    await signIn(newer)
    const lin = await signedInPhone(app, 'lin')
    const second = await signedInPhone(app, 'ada')
    for (const by of [lin, second]) {
      expect(await refusal(await cancel(claim, by))).toEqual({ status: 404, code: 'claim_unknown' })
    }
    expect(await isSignedIn(computer)).toBe(true)
    expect(await refusalOrStatus(await cancel(claim))).toBe('revoked')
    expect([await isSignedIn(computer), await isSignedIn(newer)]).toEqual([false, true])
  })

  test('cancels an attempt that is not redeemed; a redeemed attempt stays redeemed', async () => {
    const attempt = await computer.start()
    const { claim, match } = await phone.scan(attempt)
    await computer.get('POST', `/api/qr/${attempt.id}/match`, { number: match.number })
    await phone.get('POST', '/api/qr/confirm', { claim })
    expect(await refusalOrStatus(await cancel(claim))).toBe('cancelled')
    const done = await signIn(computer)
    await cancel(done.claim)
    const again = (await (
      await phone.send('POST', '/api/qr/confirm', { body: { claim: done.claim } })
    ).json()) as Review
    expect(again.status).toBe('redeemed')
  })

  test('a concurrent redeem and "Wasn\'t you?": no session is left, in either order', async () => {
    for (let round = 0; round < 10; round += 1) {
      const browser = new Browser(app)
      const attempt = await browser.start()
      const { claim } = await phone.scan(attempt)
      await phone.get('POST', '/api/qr/confirm', { claim })
      const { ticket } = await browser.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
      const redeem = () => browser.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
      await Promise.all(round % 2 === 0 ? [redeem(), cancel(claim)] : [cancel(claim), redeem()])
      expect(await isSignedIn(browser)).toBe(false)
      app.now += 61_000
    }
  })
})

describe('a confirmed attempt that is not redeemed', () => {
  async function confirmed(by: Browser) {
    const browser = new Browser(app)
    const attempt = await browser.start()
    const { claim } = await by.scan(attempt)
    await by.get('POST', '/api/qr/confirm', { claim })
    const { ticket } = await browser.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
    app.now += 1_000
    return () => browser.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
  }

  test('cannot be redeemed after a sign-out everywhere, or of its phone from elsewhere', async () => {
    const other = await signedInPhone(app, 'ada')
    const phones = (await phone.get<{ phones: { id: string; current: boolean }[] }>('GET', '/api/phones')).phones
    const otherId = phones.find(({ current }) => !current)?.id
    for (const [by, method, path] of [
      [phone, 'DELETE', '/api/sessions'],
      [other, 'DELETE', `/api/phones/${otherId}`],
    ] as const) {
      const redeem = await confirmed(by)
      expect((await phone.send(method, path)).status).toBe(204)
      expect(await refusal(await redeem())).toEqual({ status: 410, code: 'attempt_ended' })
    }
    expect(await sessionsOf(phone)).toEqual([])
  })

  test('can be redeemed if it is newer, and after its phone has signed itself out', async () => {
    await phone.send('DELETE', '/api/sessions')
    app.now += 1_000
    const redeem = await confirmed(phone)
    await phone.send('DELETE', '/api/phone/session')
    expect((await redeem()).status).toBe(200)
  })
})

describe('computers per person', () => {
  test('are at most 20: a further sign-in signs out the oldest, whose page receives the reason', async () => {
    app.dispose()
    app = new App({ RATE_LIMIT_SCALE: '100' })
    phone = await signedInPhone(app, 'ada')
    const computers: Browser[] = []
    for (let count = 0; count < 20; count += 1) {
      app.now += 1_000
      computers.push(await signInComputer(app, phone))
    }
    const [first, second] = computers as [Browser, Browser]
    const events = await first.send('GET', '/api/account/events')
    app.now += 1_000
    await signInComputer(app, phone)
    expect(await sessionsOf(phone)).toHaveLength(20)
    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([false, true])
    expect(dataOf((await readFrames(events)).at(-1))).toEqual({ by: 'limit' })
  })
})

test.each([
  ['phone', async () => phone.send('DELETE', '/api/sessions')],
  ['here', async () => computer.send('DELETE', '/api/session')],
] as const)('a page that is signed out receives the reason: %s', async (by, end) => {
  await signIn()
  const events = await computer.send('GET', '/api/account/events')
  await end()
  const last = (await readFrames(events)).at(-1)
  expect([last?.split('\n')[0], dataOf(last)]).toEqual(['event: signed_out', { by }])
})

async function refusalOrStatus(response: Response): Promise<unknown> {
  const { status, code } = (await response.json()) as { status: unknown; code?: unknown }
  return code ?? status
}
