import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, dataOf, readFrames, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import type { AttemptView, Review } from '../core/attempt/views'
import type { SessionView } from '../core/session/session'

/** Ending trust ends all of it: the session, and what the browser was known for. */

let app: App
let phone: Browser
/**
 * On another network than the phone, so that what is known of the browser decides about the number.
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

/** A whole sign-in with the number where it is due; what the phone was asked. */
async function signIn(browser = computer, by = phone): Promise<Review> {
  const attempt = await browser.start()
  const review = await by.scan(attempt)
  if (review.match.required) await browser.get('POST', `/api/qr/${attempt.id}/match`, { number: review.match.number })
  await by.get('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = await browser.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  await browser.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  // The limits of a minute are not what this is about.
  app.now += 61_000
  return review
}

const sessionsOf = async (browser: Browser) =>
  (await browser.get<{ sessions: SessionView[] }>('GET', '/api/sessions')).sessions
const isSignedIn = async (browser: Browser) =>
  (await browser.get<{ signedIn: boolean }>('GET', '/api/session')).signedIn

test('a browser that a person has used is known, and needs no number', async () => {
  expect((await signIn()).match.required).toBe(true)
  const again = await signIn()
  expect([again.computer.known, again.match.required]).toEqual([true, false])
})

test('a browser is known for 90 days after a sign-in, and not longer', async () => {
  const DAY_MS = 86_400_000
  const knownAfter = async (days: number) => {
    const signedInAt = app.now
    await signIn()
    app.now = signedInAt + days * DAY_MS
    // The phone's own session has ended in between.
    const { computer: asks } = await (await signedInPhone(app, 'ada')).scan(await computer.start())
    return asks.known
  }
  expect(await knownAfter(89)).toBe(true)
  await phone.signInPhone('ada')
  expect(await knownAfter(90)).toBe(false)
})

describe('a computer that is signed out from elsewhere is known no more', () => {
  const ways: [string, () => Promise<Response>][] = [
    ['by the list on the phone', async () => phone.send('DELETE', `/api/sessions/${(await sessionsOf(phone))[0]?.id}`)],
    ['everywhere, from the phone', () => phone.send('DELETE', '/api/sessions')],
  ]
  test.each(ways)('%s', async (_, end) => {
    await signIn()
    expect((await end()).status).toBe(204)
    expect(await isSignedIn(computer)).toBe(false)
    expect((await signIn()).match.required).toBe(true)
  })

  test('by another computer, one and all', async () => {
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

  test('by a sign-in elsewhere, where one computer is all', async () => {
    app.dispose()
    app = new App({ SINGLE_COMPUTER: 'true' })
    phone = await signedInPhone(app, 'ada')
    computer = away()
    await signIn(computer)
    await signIn(away())
    expect(await isSignedIn(computer)).toBe(false)
    expect((await signIn(computer)).match.required).toBe(true)
  })

  test('everywhere also where its session had ended before', async () => {
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

  test('signs exactly that computer out, again and again, for 10 minutes', async () => {
    const other = away()
    await signIn(other)
    const { claim } = await signIn(computer)
    for (const waitMs of [0, 0, 300_000]) {
      app.now += waitMs
      const answer = (await (await cancel(claim)).json()) as Review
      expect(answer).toMatchObject({ claim, status: 'revoked' })
      expect([await isSignedIn(computer), await isSignedIn(other)]).toEqual([false, true])
    }
    app.now += 300_000
    expect([404, 409]).toContain((await cancel(claim)).status)
  })

  test('forgets the browser, also when the thief has signed out there first', async () => {
    const { claim } = await signIn(computer)
    await computer.send('DELETE', '/api/session')
    expect(await refusalOrStatus(await cancel(claim))).toBe('revoked')
    expect((await signIn(computer)).match.required).toBe(true)
  })

  test('spares a newer sign-in of another browser, and is the claim’s own phone’s alone', async () => {
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

  test('takes back a yes that was not redeemed yet, and leaves the attempt of a redeemed one redeemed', async () => {
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

  test('of it and a redeem at once: whatever comes first, no session is left', async () => {
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

describe('a yes that no computer has redeemed yet', () => {
  async function confirmed(by: Browser) {
    const browser = new Browser(app)
    const attempt = await browser.start()
    const { claim } = await by.scan(attempt)
    await by.get('POST', '/api/qr/confirm', { claim })
    const { ticket } = await browser.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
    app.now += 1_000
    return () => browser.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
  }

  test('leads to no session after a sign-out everywhere, or of its phone from elsewhere', async () => {
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

  test('and one that comes after it does; nor does a phone that signs itself out take its yes back', async () => {
    await phone.send('DELETE', '/api/sessions')
    app.now += 1_000
    const redeem = await confirmed(phone)
    await phone.send('DELETE', '/api/phone/session')
    expect((await redeem()).status).toBe(200)
  })
})

describe('computers per person', () => {
  test('are 20 at most: a further sign-in ends the oldest, whose page learns why', async () => {
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
] as const)('a page that is signed out learns by what: %s', async (by, end) => {
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
