import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DUE, FakeBrowser, HELD, ok, refused } from '../../test/support/approval-browser'
import { Approval } from './approval'
import type { ApprovalOptions } from './approval-rules'

let browser: FakeBrowser
let approval: Approval
let close = () => {}

beforeEach(() => {
  vi.useFakeTimers()
  browser = new FakeBrowser()
  browser.hash = ''
})
afterEach(() => {
  close()
  vi.useRealTimers()
})

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const screen = () => approval.screen.get()

async function open(options: Partial<ApprovalOptions> = {}): Promise<void> {
  approval = new Approval({ isPhoneSignedIn: true, isInitiatorTrusted: true, ...options }, browser.port)
  close = approval.open()
  await advance(0)
}

async function type(text: string): Promise<void> {
  approval.typeCode(text)
  await advance(0)
}

describe('a page without a code', () => {
  test('asks for one, and sends nothing, whether or not a person is signed in', async () => {
    for (const isPhoneSignedIn of [true, false]) {
      await open({ isPhoneSignedIn, isInitiatorTrusted: false })
      await advance(600_000)
      expect([screen(), browser.sent]).toEqual([{ state: 'type_code', typed: '', problem: null }, []])
      close()
    }
  })

  test('scans what the person types, also in a document that a foreign page has opened', async () => {
    browser.answers.scan = [ok(DUE)]
    await open({ isInitiatorTrusted: false })
    await type(' wdjb mjht')
    expect(browser.sent).toEqual([['POST scan', { shortCode: 'WDJB-MJHT' }]])
    expect(screen()).toMatchObject({ state: 'review', review: { match: { number: '42' } } })
  })

  test('refreshes the review with the same code, and forgets it when it is answered', async () => {
    browser.answers.scan = [ok(DUE)]
    browser.answers.confirm = [ok({ status: 'confirmed' })]
    await open()
    await type('WDJB-MJHT')
    await advance(10_000)
    expect(browser.sentSteps()).toEqual(['POST scan', 'POST scan'])
    await approval.approve()
    expect([screen().state, browser.hash]).toEqual(['approved', ''])
  })

  test.each(['', 'WDJB', 'WDJB-MJHA', '12345678'])('asks again for %j, and sends nothing', async (typed) => {
    await open()
    await type(typed)
    expect(screen()).toEqual({ state: 'type_code', typed, problem: { reason: 'malformed' } })
    expect(browser.sent).toEqual([])
  })
})

describe('a typed code that is refused', () => {
  test('can be corrected when it is unknown', async () => {
    browser.answers.scan = [refused('code_unknown'), ok(DUE)]
    await open()
    await type('wdjb-mjht')
    expect(screen()).toEqual({ state: 'type_code', typed: 'WDJB-MJHT', problem: { reason: 'unknown' } })
    expect([browser.hash, browser.listeners.size]).toEqual(['', 0])
    await type('WDJB-MJHX')
    expect(screen().state).toBe('review')
  })

  test('is not sent again by itself when there were too many: the page has the time', async () => {
    browser.answers.scan = [refused('rate_limited', { retryAfterMs: 540_000 })]
    await open()
    await type('WDJB-MJHT')
    const endsAt = performance.now() + 540_000
    expect(screen()).toEqual({ state: 'type_code', typed: 'WDJB-MJHT', problem: { reason: 'limited', endsAt } })
    await advance(600_000)
    expect(browser.sentSteps()).toEqual(['POST scan'])
  })

  test.each([
    ['attempt_taken', 'taken'],
    ['attempt_ended', 'expired'],
    ['wrong_state', 'ended'],
  ] as const)('as %s ends as %s', async (code, ending) => {
    browser.answers.scan = [refused(code)]
    await open()
    await type('WDJB-MJHT')
    expect([screen(), browser.hash]).toEqual([{ state: ending }, ''])
  })

  test('is sent again when there was no response', async () => {
    browser.answers.scan = [refused('network'), ok(DUE)]
    await open()
    await type('WDJB-MJHT')
    expect(screen().state).toBe('offline')
    await advance(2_000)
    expect(screen().state).toBe('review')
  })

  test('during the review the limit of scans does not end it', async () => {
    browser.answers.scan = [ok(DUE), refused('rate_limited', { retryAfterMs: 30_000 })]
    await open()
    await type('WDJB-MJHT')
    await advance(10_000)
    expect([screen().state, browser.sentSteps()]).toEqual(['review', ['POST scan', 'POST scan']])
  })
})

describe('a person who types before the sign-in', () => {
  test('types once: the code is scanned after it, and is not held', async () => {
    browser.answers.hold = [HELD]
    await open({ isPhoneSignedIn: false })
    await type('WDJB-MJHT')
    expect([screen().state, browser.sent]).toEqual(['needs_sign_in', []])
    await approval.untilHeld()
    approval.onSignedIn()
    await advance(0)
    expect([screen().state, browser.sent]).toEqual(['review', [['POST scan', { shortCode: 'WDJB-MJHT' }]]])
  })

  test('types once also if the phone was signed out meanwhile', async () => {
    browser.answers.scan = [refused('unauthenticated'), ok(DUE)]
    await open()
    await type('WDJB-MJHT')
    expect(screen().state).toBe('needs_sign_in')
    approval.onSignedIn()
    await advance(0)
    expect([screen().state, browser.sentSteps()]).toEqual(['review', ['POST scan', 'POST scan']])
  })

  test('finds it in the address when the page returns from a provider, after a tap', async () => {
    await open({ isPhoneSignedIn: false })
    await type('WDJB-MJHT')
    close()
    expect(browser.hash).toBe('#WDJB-MJHT')
    // The provider is another site.
    await open({ isInitiatorTrusted: false })
    expect([screen().state, browser.sent]).toEqual(['opened', []])
    approval.allowScan()
    await advance(0)
    expect([screen().state, browser.sent]).toEqual(['review', [['POST scan', { shortCode: 'WDJB-MJHT' }]]])
  })
})

test('a short code that a foreign page has put into the address waits for a tap', async () => {
  browser.hash = '#WDJB-MJHT'
  await open({ isInitiatorTrusted: false })
  await advance(600_000)
  expect([screen().state, browser.sent, browser.hash]).toEqual(['opened', [], '#~WDJB-MJHT'])
  // An input that is not shown takes no code.
  await type('BBBB-BBBB')
  expect([screen().state, browser.sent]).toEqual(['opened', []])
})
