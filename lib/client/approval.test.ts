import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CancelledBy } from '../core/attempt/attempt'
import type { Review } from '../core/attempt/views'
import type { Answer, Refused } from './api'
import { Approval, type ApprovalBrowser, type ApprovalOptions } from './approval'
import type { AccountListener } from './follow-account'

const REVIEW: Review = {
  claim: 'claim',
  status: 'scanned',
  expiresInMs: 120_000,
  computer: { browser: 'Chrome', os: 'Windows', place: null, requestedAgoMs: 0, sameNetwork: false, known: false },
  match: { required: false, number: null, passed: false, reasons: [] },
}
const DUE: Review = { ...REVIEW, match: { required: true, number: '42', passed: false, reasons: ['new_browser'] } }
const MATCHED: Review = { ...DUE, match: { ...DUE.match, passed: true } }

const ok = (change: Partial<Review> = {}): Answer<Review> => ({ ok: true, value: { ...REVIEW, ...change } })
const refused = (code: Refused['code'], facts: Partial<Refused> = {}): Refused => ({
  ok: false,
  code,
  retryAfterMs: null,
  requestId: null,
  attemptsLeft: null,
  ...facts,
})

const HELD: Answer<null> = { ok: true, value: null }

/** A browser and a server as the approval sees them. */
class World {
  hash = '#code'
  /** What the browser says of the document, whatever the server has said. */
  mayAct = true
  /** The answers to each step, the last one again and again. */
  readonly answers: Record<string, Answer<Review | null>[]> = {
    scan: [ok()],
    confirm: [ok()],
    cancel: [ok()],
    // To a browser that does not hold the code, it is as dead as to the scan.
    hold: [refused('code_expired')],
  }
  readonly sent: [step: string, body: unknown][] = []
  /** Of the account streams that are open. */
  readonly listeners = new Set<AccountListener>()
  streamsOpened = 0
  #onHashChange = () => {}

  readonly browser: ApprovalBrowser = {
    call: (async (method: string, path: string, { body }: { body: unknown }) => {
      const step = path.slice('/api/qr/'.length)
      this.sent.push([`${method} ${step}`, body])
      const answers = this.answers[step] ?? []
      return answers.length > 1 ? answers.shift() : answers[0]
    }) as ApprovalBrowser['call'],
    followAccount: (_as, listener) => {
      this.listeners.add(listener)
      this.streamsOpened += 1
      return () => this.listeners.delete(listener)
    },
    mayActUnprompted: (isInitiatorTrusted) => isInitiatorTrusted && this.mayAct,
    readHash: () => this.hash,
    writeHash: (hash) => {
      this.hash = hash
    },
    onHashChange: (listener) => {
      this.#onHashChange = listener
      return () => {}
    },
  }

  /** What a foreign page with a handle to the window does. */
  changeHash(hash: string): void {
    this.hash = hash
    this.#onHashChange()
  }

  say(review: Review): void {
    for (const { onAttempt } of this.listeners) onAttempt?.(review)
  }

  sentSteps(): string[] {
    return this.sent.map(([step]) => step)
  }
}

let world: World
let approval: Approval
let close = () => {}

beforeEach(() => {
  vi.useFakeTimers()
  world = new World()
})
afterEach(() => {
  close()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const state = () => approval.screen.get().state

async function open(options: Partial<ApprovalOptions> = {}): Promise<void> {
  approval = new Approval({ isPhoneSignedIn: true, isInitiatorTrusted: true, ...options }, world.browser)
  close = approval.open()
  await pass(0)
}

async function openAndApprove(): Promise<void> {
  world.answers.confirm = [ok({ status: 'confirmed' })]
  await open()
  await approval.approve()
}

describe('a code that a foreign page may have put here', () => {
  test('sends nothing and opens no stream before a tap, then goes on', async () => {
    await open({ isInitiatorTrusted: false })
    await pass(600_000)
    expect([state(), world.sent, world.streamsOpened]).toEqual(['opened', [], 0])
    approval.goOn()
    await pass(0)
    expect([state(), world.sent, world.streamsOpened]).toEqual(['review', [['POST scan', { code: 'code' }]], 1])
  })

  test('is marked in the address, so that a document that is trusted waits for the tap too', async () => {
    await open({ isInitiatorTrusted: false })
    expect(world.hash).toBe('#~code')
    close()
    await open()
    expect([state(), world.sent]).toEqual(['opened', []])
    approval.goOn()
    await pass(0)
    expect([state(), world.hash]).toEqual(['review', '#code'])
  })

  test('waits in a prerendered or restored document, although the request was trusted', async () => {
    world.mayAct = false
    await open()
    expect([state(), world.sent]).toEqual(['opened', []])
  })

  test('waits when it comes by a change of the fragment, whatever the page shows', async () => {
    await open()
    expect(state()).toBe('review')
    world.changeHash('#other')
    await pass(600_000)
    expect([state(), world.sentSteps(), world.listeners.size]).toEqual(['opened', ['POST scan'], 0])
    expect(world.hash).toBe('#~other')
    close()
    world.hash = '#code'
    world.sent.length = 0
    await openAndApprove()
    world.changeHash('#other')
    await pass(600_000)
    expect([state(), world.sentSteps()]).toEqual(['opened', ['POST scan', 'POST confirm']])
  })

  test('waits after a sign-in in the page: that is no consent to it', async () => {
    world.answers.hold = [HELD]
    await open({ isInitiatorTrusted: false, isPhoneSignedIn: false })
    expect(state()).toBe('needs_sign_in')
    approval.signedIn()
    await pass(0)
    expect([state(), world.sentSteps()]).toEqual(['opened', ['POST hold']])
  })

  test('a tap is for one code only', async () => {
    await open({ isInitiatorTrusted: false })
    approval.goOn()
    await pass(0)
    world.changeHash('#other')
    await pass(0)
    expect([state(), world.sentSteps()]).toEqual(['opened', ['POST scan']])
  })

  test('an empty fragment is no code, and no tap is offered', async () => {
    for (const hash of ['', '#', '#~']) {
      world.hash = hash
      await open({ isInitiatorTrusted: false })
      expect([state(), world.sent]).toEqual(['unknown', []])
      close()
    }
  })
})

describe('a code of a trusted document', () => {
  test('is scanned at once', async () => {
    await open()
    expect([state(), world.sentSteps(), world.hash]).toEqual(['review', ['POST scan'], '#code'])
  })

  test('is scanned after a sign-in in the page', async () => {
    world.answers.hold = [HELD]
    await open({ isPhoneSignedIn: false })
    expect([state(), world.sent]).toEqual(['needs_sign_in', [['POST hold', { code: 'code' }]]])
    approval.signedIn()
    await pass(0)
    expect(state()).toBe('review')
  })

  test('that has expired while the person signed in is scanned as held, and only if it is the one that is held', async () => {
    world.answers.hold = [HELD]
    world.answers.scan = [refused('code_expired'), ok()]
    await open({ isPhoneSignedIn: false })
    world.sent.length = 0
    approval.signedIn()
    await pass(0)
    expect([state(), world.sent]).toEqual([
      'review',
      [
        ['POST scan', { code: 'code' }],
        ['POST hold', { code: 'code' }],
        ['POST scan', { held: true }],
      ],
    ])
    close()
    world.answers.hold = [refused('code_expired')]
    world.answers.scan = [refused('code_expired')]
    world.hash = '#another'
    world.sent.length = 0
    await open()
    expect([state(), world.sentSteps()]).toEqual(['expired', ['POST scan', 'POST hold']])
  })

  test.each<[Refused['code'], string]>([
    ['code_expired', 'expired'],
    ['code_unknown', 'unknown'],
  ])('that is refused with %s as the phone begins to hold it ends before a sign-in', async (code, expected) => {
    world.answers.hold = [refused(code)]
    await open({ isPhoneSignedIn: false })
    expect([state(), world.hash]).toEqual([expected, ''])
  })

  test('is held as soon as the network allows it', async () => {
    world.answers.hold = [refused('network'), refused('rate_limited', { retryAfterMs: 30_000 }), HELD]
    await open({ isPhoneSignedIn: false })
    await pass(2_000)
    await pass(30_000)
    await pass(600_000)
    expect([state(), world.sentSteps()]).toEqual(['needs_sign_in', ['POST hold', 'POST hold', 'POST hold']])
  })

  test('the first state is that of the HTML that the server sends', () => {
    const first = (options: ApprovalOptions) => new Approval(options, world.browser).screen.get().state
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
    world.answers.scan = [refused(code, facts)]
    await open()
    expect([state(), world.hash, world.listeners.size]).toEqual([expected, '', 0])
  })

  test.each<[Refused['code'], Partial<Refused>, string]>([
    ['attempt_ended', { cancelledBy: 'computer' }, 'cancelled_on_computer'],
    ['attempt_ended', { cancelledBy: 'match' }, 'mismatch'],
    ['attempt_ended', {}, 'expired'],
    ['claim_unknown', {}, 'expired'],
  ])('a yes that is refused with %s %j: %s', async (code, facts, expected) => {
    world.answers.confirm = [refused(code, facts)]
    await open()
    await approval.approve()
    expect(state()).toBe(expected)
  })

  test.each<[CancelledBy, string]>([
    ['computer', 'cancelled_on_computer'],
    ['match', 'mismatch'],
  ])('a message of an attempt that was cancelled by %s: %s', async (cancelledBy, expected) => {
    world.answers.scan = [ok(), refused('attempt_ended', { cancelledBy })]
    await open()
    world.say({ ...REVIEW, status: 'cancelled', cancelledBy })
    await pass(0)
    expect(state()).toBe(expected)
  })

  test('a message of another attempt that this phone has scanned ends nothing', async () => {
    await open()
    world.say({ ...REVIEW, status: 'cancelled', cancelledBy: 'computer' })
    await pass(0)
    expect(state()).toBe('review')
  })

  test('a no that came after the computer had cancelled', async () => {
    world.answers.cancel = [ok({ status: 'cancelled', cancelledBy: 'computer' })]
    await open()
    await approval.decline()
    expect(state()).toBe('cancelled_on_computer')
  })

  test('the phone is signed out elsewhere: after the next sign-in the code is reported again', async () => {
    await open()
    for (const { onSignedOut } of [...world.listeners]) onSignedOut('phone')
    expect(state()).toBe('needs_sign_in')
    approval.signedIn()
    await pass(0)
    expect([state(), world.sentSteps()]).toEqual(['review', ['POST scan', 'POST scan']])
  })
})

describe('the answer', () => {
  test('that is too soon is sent again by itself', async () => {
    world.answers.confirm = [refused('too_soon', { retryAfterMs: 1_000 }), ok({ status: 'confirmed' })]
    await open()
    await approval.approve()
    expect(approval.screen.get()).toMatchObject({ state: 'submitting', step: 'confirm' })
    await pass(1_000)
    expect([state(), world.sentSteps()]).toEqual(['approved', ['POST scan', 'POST confirm', 'POST confirm']])
  })

  test('that is lost is sent again', async () => {
    world.answers.cancel = [
      refused('network'),
      refused('unavailable'),
      ok({ status: 'cancelled', cancelledBy: 'phone' }),
    ]
    await open()
    await approval.decline()
    await pass(10_000)
    expect([state(), world.sentSteps()]).toEqual(['declined', ['POST scan', ...Array(3).fill('POST cancel')]])
  })

  test('a scan that was under way when the person answered changes nothing, however late its answer comes', async () => {
    for (const isAnswered of [false, true]) {
      world = new World()
      world.answers.scan = [{ ok: true, value: DUE }]
      world.answers.confirm = [refused('network'), ok({ status: 'confirmed' })]
      await open()
      let tell = (_: Answer<Review>) => {}
      const { call } = world.browser
      world.browser.call = (() => new Promise((resolve) => (tell = resolve as typeof tell))) as ApprovalBrowser['call']
      world.say(MATCHED)
      world.browser.call = call
      await approval.approve()
      if (isAnswered) await pass(2_000)
      tell(ok())
      await pass(0)
      expect(state()).toBe(isAnswered ? 'approved' : 'submitting')
      await pass(2_000)
      expect(state()).toBe('approved')
      close()
    }
  })

  test('the number was typed: the question shows it', async () => {
    world.answers.scan = [
      { ok: true, value: DUE },
      { ok: true, value: MATCHED },
    ]
    await open()
    expect(approval.screen.get()).toMatchObject({ review: { match: { passed: false } } })
    world.say(MATCHED)
    await pass(0)
    expect(approval.screen.get()).toMatchObject({ state: 'review', review: { match: { passed: true } } })
  })
})

describe('"Wasn\'t you?"', () => {
  test('takes the yes back, by the claim', async () => {
    await openAndApprove()
    world.answers.cancel = [ok({ status: 'cancelled', cancelledBy: 'phone' })]
    await approval.signItOut()
    expect([state(), world.sent.at(-1)]).toEqual(['declined', ['POST cancel', { claim: 'claim' }]])
  })

  test('signs out the computer that was let in', async () => {
    await openAndApprove()
    world.answers.cancel = [ok({ status: 'revoked' })]
    await approval.signItOut()
    expect(state()).toBe('signed_out')
  })

  test('is repeated until it is answered, and is to be seen all the while', async () => {
    await openAndApprove()
    world.answers.cancel = [
      refused('network'),
      refused('unavailable', { retryAfterMs: 3_000 }),
      refused('rate_limited', { retryAfterMs: 30_000 }),
      ok({ status: 'revoked' }),
    ]
    const sent = approval.signItOut()
    expect(approval.screen.get()).toEqual({ state: 'approved', signOut: 'sending' })
    await sent
    for (const ms of [2_000, 3_000]) {
      expect(approval.screen.get()).toEqual({ state: 'approved', signOut: 'waiting' })
      await pass(ms)
    }
    await pass(29_999)
    expect(approval.screen.get()).toEqual({ state: 'approved', signOut: 'waiting' })
    await pass(1)
    expect(state()).toBe('signed_out')
    expect(world.sentSteps().filter((step) => step === 'POST cancel')).toHaveLength(4)
  })

  test.each<Refused['code']>(['wrong_state', 'claim_unknown', 'unauthenticated', 'attempt_ended', 'internal'])(
    'that is refused with %s says that the computer may still be signed in',
    async (code) => {
      await openAndApprove()
      world.answers.cancel = [refused(code)]
      await approval.signItOut()
      expect(state()).toBe('sign_out_failed')
    },
  )

  test('two taps send it once', async () => {
    await openAndApprove()
    world.answers.cancel = [ok({ status: 'revoked' })]
    await Promise.all([approval.signItOut(), approval.signItOut()])
    expect(world.sentSteps().filter((step) => step === 'POST cancel')).toHaveLength(1)
  })
})
