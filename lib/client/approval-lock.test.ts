import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  ASSERTION,
  ATTESTATION,
  CREATION,
  DUE,
  FakeBrowser,
  ok,
  refused,
  requestOf,
} from '../../test/support/approval-browser'
import type { Review } from '../core/attempt/views'
import type { Refused } from './api'
import { Approval } from './approval'

/** The review where the server asks for a passkey. */

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
const screen = () => approval.screen.get()
const confirmed = ok({ status: 'confirmed' })
const withPasskey = (challenge: string, change: Partial<Review> = {}) =>
  ok({ ...change, passkey: requestOf(challenge) })

async function open(): Promise<void> {
  approval = new Approval({ isPhoneSignedIn: true, isInitiatorTrusted: true }, browser.port)
  close = approval.open()
  await advance(0)
}

describe('confirming with a passkey', () => {
  beforeEach(() => {
    browser.answers.scan = [withPasskey('first'), withPasskey('second')]
    browser.answers.confirm = [confirmed]
  })

  test('a tap signs the challenge of the review, and sends the response with the claim', async () => {
    await open()
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: null })
    expect(browser.isPreloaded).toBe(true)
    await approval.approve()
    expect([screen().state, browser.dialogs]).toEqual(['approved', [requestOf('first')]])
    expect(browser.sent.at(-1)).toEqual(['POST confirm', { claim: 'claim', passkey: ASSERTION }])
  })

  test('without a demand of the server no dialog is opened, and no passkey is sent', async () => {
    browser.answers.scan = [ok()]
    await open()
    expect(screen()).toMatchObject({ lock: 'tap', problem: null })
    await approval.approve()
    expect([browser.dialogs, browser.isPreloaded]).toEqual([[], false])
    expect(browser.sent.at(-1)).toEqual(['POST confirm', { claim: 'claim' }])
  })

  test.each([
    ['cancelled', 'not_confirmed'],
    ['failed', 'failed'],
  ] as const)('a dialog that is %s sends nothing, and the review says so', async (result, problem) => {
    browser.signed.unshift(result)
    await open()
    await approval.approve()
    expect(screen()).toMatchObject({ state: 'review', problem, review: { passkey: { challenge: 'first' } } })
    expect(browser.sentSteps()).toEqual(['POST scan', 'POST scan'])
    await advance(0)
    expect(screen()).toMatchObject({ state: 'review', problem, review: { passkey: { challenge: 'second' } } })
    await approval.approve()
    expect([screen().state, browser.dialogs.at(-1)]).toEqual(['approved', requestOf('second')])
  })

  test('the review says why until the next tap', async () => {
    browser.signed.unshift('cancelled')
    browser.answers.scan = [withPasskey('first', { expiresInMs: 20_000 })]
    await open()
    await approval.approve()
    await advance(20_500)
    expect(screen()).toMatchObject({ state: 'review', problem: 'not_confirmed' })
    const approving = approval.approve()
    expect(screen()).toMatchObject({ state: 'submitting', step: 'confirm', problem: null })
    await approving
  })

  test('a passkey that is refused is not tried again: the review has another challenge', async () => {
    browser.answers.confirm = [refused('passkey_wrong'), confirmed]
    await open()
    const shown: string[] = []
    approval.screen.subscribe(() => {
      const now = screen()
      shown.push('review' in now ? `${now.state} ${now.review.passkey?.challenge}` : now.state)
    })
    await approval.approve()
    await advance(0)
    // No button works with the used challenge.
    expect(shown).toEqual(['submitting first', 'review second'])
    expect(screen()).toMatchObject({ state: 'review', problem: 'wrong', review: { passkey: { challenge: 'second' } } })
    await approval.approve()
    expect([screen().state, browser.dialogs]).toEqual(['approved', [requestOf('first'), requestOf('second')]])
  })

  test('a lost response: the same request is sent again, and no dialog is opened', async () => {
    browser.answers.confirm = [refused('network'), refused('unavailable'), confirmed]
    await open()
    await approval.approve()
    await advance(10_000)
    const sent = browser.sent.filter(([step]) => step === 'POST confirm')
    expect(sent).toEqual(Array(3).fill(['POST confirm', { claim: 'claim', passkey: ASSERTION }]))
    expect([screen().state, browser.dialogs]).toEqual(['approved', [requestOf('first')]])
  })

  test('a lost response that ends in `passkey_wrong`: the review has another challenge', async () => {
    browser.answers.confirm = [refused('network'), refused('passkey_wrong'), confirmed]
    await open()
    await approval.approve()
    await advance(2_000)
    expect(screen()).toMatchObject({ state: 'review', problem: 'wrong', review: { passkey: { challenge: 'second' } } })
  })

  test('a passkey that was added meanwhile is required: the next review asks for it', async () => {
    browser.answers.scan = [ok({ addPasskey: 'may' }), withPasskey('second')]
    browser.answers.confirm = [refused('passkey_required'), confirmed]
    await open()
    await approval.approve()
    await advance(0)
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: null })
    await approval.approve()
    expect([screen().state, browser.dialogs]).toEqual(['approved', [requestOf('second')]])
  })

  test.each<[Refused['code'], string]>([
    ['attempt_ended', 'cancelled_on_computer'],
    ['unauthenticated', 'needs_sign_in'],
  ])('the scan after a dialog that is cancelled shows %s', async (code, expected) => {
    browser.signed.unshift('cancelled')
    browser.answers.scan = [withPasskey('first'), refused(code, { cancelledBy: 'computer' })]
    await open()
    await approval.approve()
    await advance(0)
    expect(screen().state).toBe(expected)
  })

  test('the phone is signed out while the dialog is open: nothing is sent', async () => {
    let finish = (_: 'cancelled') => {}
    browser.port.signWithPasskey = () => new Promise((resolve) => (finish = resolve))
    await open()
    const approving = approval.approve()
    for (const { onSignedOut } of [...browser.listeners]) onSignedOut('phone')
    finish('cancelled')
    await approving
    expect([screen().state, browser.sentSteps()]).toEqual(['needs_sign_in', ['POST scan']])
  })

  test('a decline needs no passkey', async () => {
    browser.answers.cancel = [ok({ status: 'cancelled', cancelledBy: 'phone' })]
    await open()
    await approval.decline()
    expect([screen().state, browser.dialogs]).toEqual(['declined', []])
    expect(browser.sent.at(-1)).toEqual(['POST cancel', { claim: 'claim' }])
  })

  test('the number is asked for before the lock', async () => {
    browser.answers.scan = [withPasskey('first', { match: DUE.match })]
    browser.answers.confirm = [refused('match_required')]
    await open()
    await approval.approve()
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: null })
  })
})

describe('adding a passkey', () => {
  const ADDED = ['POST scan', 'POST /api/passkeys/options', 'POST /api/passkeys', 'POST scan']

  test.each([
    ['may', 'may_add'],
    ['must', 'must_add'],
  ] as const)('a person who %s add one adds it, and the next review asks for it', async (addPasskey, lock) => {
    browser.answers.scan = [ok({ addPasskey }), withPasskey('second')]
    browser.answers.confirm = [confirmed]
    await open()
    expect(screen()).toMatchObject({ state: 'review', lock })
    const adding = approval.addPasskey()
    expect(screen()).toMatchObject({ state: 'submitting', step: 'add_passkey' })
    await adding
    expect([browser.dialogs, browser.sentSteps()]).toEqual([[CREATION], ADDED])
    expect(browser.sent[2]).toEqual(['POST /api/passkeys', { passkey: ATTESTATION }])
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: null })
    await approval.approve()
    expect([screen().state, browser.dialogs.at(-1)]).toEqual(['approved', requestOf('second')])
  })

  test('a person who may add one signs in with a tap alone', async () => {
    browser.answers.scan = [ok({ addPasskey: 'may' })]
    browser.answers.confirm = [confirmed]
    await open()
    await approval.approve()
    expect([screen().state, browser.sent.at(-1)]).toEqual(['approved', ['POST confirm', { claim: 'claim' }]])
  })

  test('a person who must add one cannot sign in with a tap', async () => {
    browser.answers.scan = [ok({ addPasskey: 'must' })]
    await open()
    await approval.approve()
    expect([screen().state, browser.sentSteps()]).toEqual(['review', ['POST scan']])
  })

  test.each([
    ['cancelled', 'not_added'],
    ['failed', 'add_failed'],
    ['exists', 'add_failed'],
  ] as const)('a dialog that ends with %s: %s', async (result, problem) => {
    browser.answers.scan = [ok({ addPasskey: 'must' })]
    browser.created.unshift(result)
    await open()
    await approval.addPasskey()
    expect(screen()).toMatchObject({ state: 'review', lock: 'must_add', problem })
    expect(browser.sentSteps()).not.toContain('POST /api/passkeys')
  })

  test.each<[string, Refused['code']]>([
    ['/api/passkeys/options', 'network'],
    ['/api/passkeys', 'passkey_wrong'],
    ['/api/passkeys', 'passkey_limit'],
  ])('%s is refused with %s: the review says that none was added', async (path, code) => {
    browser.answers.scan = [ok({ addPasskey: 'must' })]
    browser.answers[path] = [refused(code)]
    await open()
    await approval.addPasskey()
    expect(screen()).toMatchObject({ state: 'review', lock: 'must_add', problem: 'add_failed' })
  })

  test('a person whose passkeys are on other devices adds one here', async () => {
    browser.answers.scan = [withPasskey('first'), withPasskey('second'), withPasskey('third')]
    browser.signed.unshift('cancelled')
    browser.created.unshift('failed')
    await open()
    await approval.approve()
    await advance(0)
    await approval.addPasskey()
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: 'add_failed' })
    await approval.addPasskey()
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: null })
  })

  test('a lost response: the review has the passkey after all, and names no problem', async () => {
    browser.answers.scan = [ok({ addPasskey: 'must' }), withPasskey('second')]
    browser.answers['/api/passkeys'] = [refused('network')]
    await open()
    await approval.addPasskey()
    expect(screen()).toMatchObject({ state: 'review', lock: 'passkey', problem: null })
  })
})

describe('a browser that cannot use passkeys', () => {
  beforeEach(() => {
    browser.canUsePasskeys = false
  })

  test.each<[string, Partial<Review>]>([
    ['a passkey is required', { passkey: requestOf('first') }],
    ['one has to be added', { addPasskey: 'must' }],
  ])('only declines where %s', async (_, change) => {
    browser.answers.scan = [ok(change)]
    browser.answers.cancel = [ok({ status: 'cancelled', cancelledBy: 'phone' })]
    await open()
    expect(screen()).toMatchObject({ state: 'review', lock: 'unable' })
    await approval.approve()
    expect([screen().state, browser.sentSteps(), browser.dialogs]).toEqual(['review', ['POST scan'], []])
    await approval.decline()
    expect(screen().state).toBe('declined')
  })

  test('signs in with a tap where one may be added, and does not offer it', async () => {
    browser.answers.scan = [ok({ addPasskey: 'may' })]
    browser.answers.confirm = [confirmed]
    await open()
    expect([screen(), browser.isPreloaded]).toEqual([expect.objectContaining({ lock: 'tap' }), false])
    await approval.approve()
    expect(screen().state).toBe('approved')
  })
})
