import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, refusal, signedInPhone, signInComputer } from '../../test/support/app'
import type { AttemptView } from '../core/attempt/views'
import type { SessionView } from '../core/session/session'

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

describe('confirm and cancel', () => {
  test('a confirm gives the computer its ticket; a repeat gets the same response', async () => {
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    expect(await (await confirm(claim)).json()).toMatchObject({ status: 'confirmed', claim, expiresInMs: 60_000 })
    expect(await (await confirm(claim)).json()).toMatchObject({ status: 'confirmed' })
    expect(await read(attempt)).toMatchObject({ status: 'confirmed', version: 3, ticket: expect.any(String) })
  })

  test('a cancel ends the attempt; a repeat gets the same response', async () => {
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

  test('a phone that has signed out meanwhile is unauthenticated', async () => {
    const { claim } = await phone.scan(await computer.start())
    const cookies = new Map(phone.cookies)
    await phone.send('DELETE', '/api/phone/session')
    for (const [name, value] of cookies) phone.cookies.set(name, value)
    expect(await refusal(await confirm(claim))).toEqual({ status: 401, code: 'unauthenticated' })
  })
})

describe('redeeming', () => {
  test('creates a session and sets its cookie', async () => {
    const attempt = await confirmed()
    const response = await redeem(attempt, attempt.ticket)
    const received = (await response.json()) as { person: unknown; session: SessionView }
    expect(received).toMatchObject({
      person: { id: 'ada', name: 'Ada Byron', avatarUrl: '/avatars/ada.svg' },
      session: { browser: 'Firefox', os: 'Linux', current: true, method: 'qr' },
    })
    expect(await computer.get('GET', '/api/session')).toMatchObject({
      signedIn: true,
      session: { id: received.session.id },
    })
    expect(await read(attempt)).toMatchObject({ status: 'redeemed', expiresInMs: 0 })
  })

  test('a repeat within 10 s gets the same session, a later one 409', async () => {
    const attempt = await confirmed()
    const sessionId = async () => {
      const received = (await (await redeem(attempt, attempt.ticket)).json()) as { session: SessionView }
      return received.session.id
    }
    const first = await sessionId()
    app.now += 10_000
    expect(await sessionId()).toBe(first)
    app.now += 1
    expect(await refusal(await redeem(attempt, attempt.ticket))).toEqual({ status: 409, code: 'wrong_state' })
    expect(await phone.get('GET', '/api/sessions')).toMatchObject({ sessions: [{ id: first }] })
  })

  test('a wrong ticket and the ticket of another attempt get 403', async () => {
    const attempt = await confirmed()
    const other = await confirmed()
    for (const bad of ['x', other.ticket]) {
      expect(await refusal(await redeem(attempt, bad))).toEqual({ status: 403, code: 'ticket_wrong' })
    }
  })

  test('a ticket expires after 60 s', async () => {
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

  test('a late repeat does not undo a newer sign-in of the same browser', async () => {
    const first = await confirmed()
    await redeem(first, first.ticket)
    const second = await confirmed()
    await redeem(second, second.ticket)
    expect(await refusal(await redeem(first, first.ticket))).toEqual({ status: 409, code: 'wrong_state' })
    expect(await computer.get('GET', '/api/session')).toMatchObject({ signedIn: true })
  })

  test('of redeem and cancel the first one wins', async () => {
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

  test('a restart between the steps loses nothing', async () => {
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
