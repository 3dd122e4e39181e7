import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DUE, FakeBrowser, HELD, MATCHED, ok, REVIEW, refused } from '../../test/support/approval-browser'
import type { CancelledBy } from '../core/attempt/attempt'
import type { Review } from '../core/attempt/views'
import type { Answer, Refused } from './api'
import { Approval } from './approval'
import type { ApprovalBrowser } from './approval-browser'
import type { ApprovalOptions } from './approval-rules'

let browser: FakeBrowser
let approval: Approval
let close = () => {}

beforeEach(() => {
  vi.useFakeTimers()
  browser = new FakeBrowser()
})
afterEach(() => {
  close()
  vi.useRealTimers()
})

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const state = () => approval.screen.get().state

async function open(options: Partial<ApprovalOptions> = {}): Promise<void> {
  approval = new Approval({ isPhoneSignedIn: true, isInitiatorTrusted: true, ...options }, browser.port)
  close = approval.open()
  await advance(0)
}

async function openAndApprove(): Promise<void> {
  browser.answers.confirm = [ok({ status: 'confirmed' })]
  await open()
  await approval.approve()
}

describe('a code that a foreign page may have opened', () => {
  test('sends nothing and opens no stream before a tap; after it the code is scanned', async () => {
    await open({ isInitiatorTrusted: false })
    await advance(600_000)
    expect([state(), browser.sent, browser.streamsOpened]).toEqual(['opened', [], 0])
    approval.allowScan()
    await advance(0)
    expect([state(), browser.sent, browser.streamsOpened]).toEqual(['review', [['POST scan', { code: 'code' }]], 1])
  })

  test('is marked in the address, so that a later trusted document waits for the tap too', async () => {
    await open({ isInitiatorTrusted: false })
    expect(browser.hash).toBe('#~code')
    close()
    await open()
    expect([state(), browser.sent]).toEqual(['opened', []])
    approval.allowScan()
    await advance(0)
    expect([state(), browser.hash]).toEqual(['review', '#code'])
  })

  test('waits in a prerendered or restored document even if the request was trusted', async () => {
    browser.mayAct = false
    await open()
    expect([state(), browser.sent]).toEqual(['opened', []])
  })

  test('waits after a change of the fragment, during the review and after the approval', async () => {
    await open()
    expect(state()).toBe('review')
    browser.changeHash('#other')
    await advance(600_000)
    expect([state(), browser.sentSteps(), browser.listeners.size]).toEqual(['opened', ['POST scan'], 0])
    expect(browser.hash).toBe('#~other')
    close()
    browser.hash = '#code'
    browser.sent.length = 0
    await openAndApprove()
    browser.changeHash('#other')
    await advance(600_000)
    expect([state(), browser.sentSteps()]).toEqual(['opened', ['POST scan', 'POST confirm']])
  })

  test('still waits after a sign-in on the page', async () => {
    browser.answers.hold = [HELD]
    await open({ isInitiatorTrusted: false, isPhoneSignedIn: false })
    expect(state()).toBe('needs_sign_in')
    approval.onSignedIn()
    await advance(0)
    expect([state(), browser.sentSteps()]).toEqual(['opened', ['POST hold']])
  })

  test('a tap allows one code only', async () => {
    await open({ isInitiatorTrusted: false })
    approval.allowScan()
    await advance(0)
    browser.changeHash('#other')
    await advance(0)
    expect([state(), browser.sentSteps()]).toEqual(['opened', ['POST scan']])
  })

  test('an empty fragment asks for a typed code, not for the tap', async () => {
    for (const hash of ['', '#', '#~']) {
      browser.hash = hash
      await open({ isInitiatorTrusted: false })
      expect([state(), browser.sent]).toEqual(['type_code', []])
      close()
    }
  })
})

describe('a code of a trusted document', () => {
  test('is scanned immediately', async () => {
    await open()
    expect([state(), browser.sentSteps(), browser.hash]).toEqual(['review', ['POST scan'], '#code'])
  })

  test('is scanned after a sign-in on the page', async () => {
    browser.answers.hold = [HELD]
    await open({ isPhoneSignedIn: false })
    expect([state(), browser.sent]).toEqual(['needs_sign_in', [['POST hold', { code: 'code' }]]])
    approval.onSignedIn()
    await advance(0)
    expect(state()).toBe('review')
  })

  test('that has expired during the sign-in is scanned as held, only if the browser holds this code', async () => {
    browser.answers.hold = [HELD]
    browser.answers.scan = [refused('code_expired'), ok()]
    await open({ isPhoneSignedIn: false })
    browser.sent.length = 0
    approval.onSignedIn()
    await advance(0)
    expect([state(), browser.sent]).toEqual([
      'review',
      [
        ['POST scan', { code: 'code' }],
        ['POST hold', { code: 'code' }],
        ['POST scan', { held: true, code: 'code' }],
      ],
    ])
    close()
    browser.answers.hold = [refused('code_expired')]
    browser.answers.scan = [refused('code_expired')]
    browser.hash = '#another'
    browser.sent.length = 0
    await open()
    expect([state(), browser.sentSteps()]).toEqual(['expired', ['POST scan', 'POST hold']])
  })

  test.each<[Refused['code'], string]>([
    ['code_expired', 'expired'],
    ['code_unknown', 'unknown'],
  ])('whose hold is refused with %s ends before the sign-in', async (code, expected) => {
    browser.answers.hold = [refused(code)]
    await open({ isPhoneSignedIn: false })
    expect([state(), browser.hash]).toEqual([expected, ''])
  })

  test('is held when the network is back', async () => {
    browser.answers.hold = [refused('network'), refused('rate_limited', { retryAfterMs: 30_000 }), HELD]
    await open({ isPhoneSignedIn: false })
    await advance(2_000)
    await advance(30_000)
    await advance(600_000)
    expect([state(), browser.sentSteps()]).toEqual(['needs_sign_in', ['POST hold', 'POST hold', 'POST hold']])
  })

  test('the initial state depends on the options only, as the server renders it', () => {
    const first = (options: ApprovalOptions) => new Approval(options, browser.port).screen.get().state
    expect(first({ isPhoneSignedIn: true, isInitiatorTrusted: true })).toBe('checking')
    expect(first({ isPhoneSignedIn: true, isInitiatorTrusted: false })).toBe('opened')
    expect(first({ isPhoneSignedIn: false, isInitiatorTrusted: true })).toBe('needs_sign_in')
    expect(first({ isPhoneSignedIn: false, isInitiatorTrusted: false })).toBe('needs_sign_in')
  })
})

describe('the endings', () => {
  test.each<[Refused['code'], Partial<Refused>, string]>([
    ['code_unknown', {}, 'unknown'],
    ['code_expired', {}, 'expired'],
    ['attempt_taken', {}, 'taken'],
    ['wrong_state', {}, 'ended'],
    ['attempt_ended', {}, 'expired'],
    ['attempt_ended', { cancelledBy: 'computer' }, 'cancelled_on_computer'],
    ['attempt_ended', { cancelledBy: 'match' }, 'mismatch'],
    ['attempt_ended', { cancelledBy: 'phone' }, 'declined'],
  ])('a scan that is refused with %s %j: %s', async (code, facts, expected) => {
    browser.answers.scan = [refused(code, facts)]
    await open()
    expect([state(), browser.hash, browser.listeners.size]).toEqual([expected, '', 0])
  })

  test.each<[Refused['code'], Partial<Refused>, string]>([
    ['attempt_ended', { cancelledBy: 'computer' }, 'cancelled_on_computer'],
    ['attempt_ended', { cancelledBy: 'match' }, 'mismatch'],
    ['attempt_ended', {}, 'expired'],
    ['claim_unknown', {}, 'expired'],
  ])('a confirm that is refused with %s %j: %s', async (code, facts, expected) => {
    browser.answers.confirm = [refused(code, facts)]
    await open()
    await approval.approve()
    expect(state()).toBe(expected)
  })

  test.each<[CancelledBy, string]>([
    ['computer', 'cancelled_on_computer'],
    ['match', 'mismatch'],
  ])('an event of an attempt that was cancelled by %s: %s', async (cancelledBy, expected) => {
    browser.answers.scan = [ok(), refused('attempt_ended', { cancelledBy })]
    await open()
    browser.publish({ ...REVIEW, status: 'cancelled', cancelledBy })
    await advance(0)
    expect(state()).toBe(expected)
  })

  test('an event of another attempt that this phone scanned changes nothing', async () => {
    await open()
    browser.publish({ ...REVIEW, status: 'cancelled', cancelledBy: 'computer' })
    await advance(0)
    expect(state()).toBe('review')
  })

  test('a decline after the computer has cancelled shows `cancelled_on_computer`', async () => {
    browser.answers.cancel = [ok({ status: 'cancelled', cancelledBy: 'computer' })]
    await open()
    await approval.decline()
    expect(state()).toBe('cancelled_on_computer')
  })

  test('the phone is signed out elsewhere: after the next sign-in the code is scanned again', async () => {
    await open()
    for (const { onSignedOut } of [...browser.listeners]) onSignedOut('phone')
    expect(state()).toBe('needs_sign_in')
    approval.onSignedIn()
    await advance(0)
    expect([state(), browser.sentSteps()]).toEqual(['review', ['POST scan', 'POST scan']])
  })
})

describe('the answer', () => {
  test('that is refused with `too_soon` is repeated automatically', async () => {
    browser.answers.confirm = [refused('too_soon', { retryAfterMs: 1_000 }), ok({ status: 'confirmed' })]
    await open()
    await approval.approve()
    expect(approval.screen.get()).toMatchObject({ state: 'submitting', step: 'confirm' })
    await advance(1_000)
    expect([state(), browser.sentSteps()]).toEqual(['approved', ['POST scan', 'POST confirm', 'POST confirm']])
  })

  test('that gets no response is repeated', async () => {
    browser.answers.cancel = [
      refused('network'),
      refused('unavailable'),
      ok({ status: 'cancelled', cancelledBy: 'phone' }),
    ]
    await open()
    await approval.decline()
    await advance(10_000)
    expect([state(), browser.sentSteps()]).toEqual(['declined', ['POST scan', ...Array(3).fill('POST cancel')]])
  })

  test('the response of a scan that was sent before the answer is ignored', async () => {
    for (const isConfirmed of [false, true]) {
      browser = new FakeBrowser()
      browser.answers.scan = [{ ok: true, value: DUE }]
      browser.answers.confirm = [refused('network'), ok({ status: 'confirmed' })]
      await open()
      let respond = (_: Answer<Review>) => {}
      const { call } = browser.port
      browser.port.call = (() =>
        new Promise((resolve) => (respond = resolve as typeof respond))) as ApprovalBrowser['call']
      browser.publish(MATCHED)
      browser.port.call = call
      await approval.approve()
      if (isConfirmed) await advance(2_000)
      respond(ok())
      await advance(0)
      expect(state()).toBe(isConfirmed ? 'approved' : 'submitting')
      await advance(2_000)
      expect(state()).toBe('approved')
      close()
    }
  })

  test('the number was typed: the review shows that it passed', async () => {
    browser.answers.scan = [
      { ok: true, value: DUE },
      { ok: true, value: MATCHED },
    ]
    await open()
    expect(approval.screen.get()).toMatchObject({ review: { match: { passed: false } } })
    browser.publish(MATCHED)
    await advance(0)
    expect(approval.screen.get()).toMatchObject({ state: 'review', review: { match: { passed: true } } })
  })
})

describe('the approved sign-in', () => {
  const APP = { name: 'Wiki', logoUrl: null, host: 'wiki.example.com', scopes: null }

  test.each([
    ['our own home page', {}, { app: null, isDevice: false }],
    ['an app', { app: APP }, { app: 'Wiki', isDevice: false }],
    ['an app on a device without a browser', { app: APP, userCode: 'WDJB-MJHT' }, { app: 'Wiki', isDevice: true }],
  ] as const)('says what was signed in to: %s', async (_, review, shown) => {
    browser.answers.confirm = [ok({ status: 'confirmed', ...review })]
    await open()
    await approval.approve()
    expect(approval.screen.get()).toEqual({ state: 'approved', signOut: 'offered', ...shown })
    browser.answers.cancel = [refused('network'), ok({ status: 'revoked' })]
    const sent = approval.signOut()
    expect(approval.screen.get()).toEqual({ state: 'approved', signOut: 'sending', ...shown })
    await sent
    expect(approval.screen.get()).toEqual({ state: 'approved', signOut: 'waiting', ...shown })
  })
})

describe('"Wasn\'t you?"', () => {
  test('cancels the confirmed attempt with the claim', async () => {
    await openAndApprove()
    browser.answers.cancel = [ok({ status: 'cancelled', cancelledBy: 'phone' })]
    await approval.signOut()
    expect([state(), browser.sent.at(-1)]).toEqual(['declined', ['POST cancel', { claim: 'claim' }]])
  })

  test('signs out a computer that is already signed in', async () => {
    await openAndApprove()
    browser.answers.cancel = [ok({ status: 'revoked' })]
    await approval.signOut()
    expect(state()).toBe('signed_out')
  })

  test('is repeated until it has a response, and the screen shows it meanwhile', async () => {
    await openAndApprove()
    browser.answers.cancel = [
      refused('network'),
      refused('unavailable', { retryAfterMs: 3_000 }),
      refused('rate_limited', { retryAfterMs: 30_000 }),
      ok({ status: 'revoked' }),
    ]
    const sent = approval.signOut()
    expect(approval.screen.get()).toMatchObject({ state: 'approved', signOut: 'sending' })
    await sent
    for (const ms of [2_000, 3_000]) {
      expect(approval.screen.get()).toMatchObject({ state: 'approved', signOut: 'waiting' })
      await advance(ms)
    }
    await advance(29_999)
    expect(approval.screen.get()).toMatchObject({ state: 'approved', signOut: 'waiting' })
    await advance(1)
    expect(state()).toBe('signed_out')
    expect(browser.sentSteps().filter((step) => step === 'POST cancel')).toHaveLength(4)
  })

  test.each<Refused['code']>(['wrong_state', 'claim_unknown', 'unauthenticated', 'attempt_ended', 'internal'])(
    'that is refused with %s shows `sign_out_failed`',
    async (code) => {
      await openAndApprove()
      browser.answers.cancel = [refused(code)]
      await approval.signOut()
      expect(state()).toBe('sign_out_failed')
    },
  )

  test('two taps send one request', async () => {
    await openAndApprove()
    browser.answers.cancel = [ok({ status: 'revoked' })]
    await Promise.all([approval.signOut(), approval.signOut()])
    expect(browser.sentSteps().filter((step) => step === 'POST cancel')).toHaveLength(1)
  })
})
