import { describe, expect, test } from 'vitest'
import { ADA, after, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../testing/fixtures'
import { type Attempt, attemptAt, REDEEM_REPEAT_MS, type Status } from './attempt'
import { type ErrorCode, ProtocolError } from './errors'
import { type AttemptEvent, type EventType, transition } from './transition'

const pending = pendingAttempt()
const scanned = after(pending, scanBy(ADA))
const matchDue = after(pending, scanBy(ADA, { matchRequired: true }))
const matchPassed = after(matchDue, { type: 'match', right: true })
const confirmed = after(scanned, { type: 'confirm', phone: ADA })
const redeemed = after(confirmed, { type: 'redeem', ticketRight: true, sessionId: 'session' })
const cancelled = after(scanned, { type: 'cancel', by: 'phone' })

const LATER: Record<Status, number> = {
  pending: T0,
  scanned: T0,
  confirmed: T0,
  redeemed: T0,
  cancelled: T0,
  expired: T0 + 300_000,
}

const ATTEMPTS: Record<Status, Attempt> = { pending, scanned, confirmed, redeemed, cancelled, expired: pending }

const EVENTS: Record<EventType, AttemptEvent> = {
  scan: scanBy(ADA),
  match: { type: 'match', right: true },
  confirm: { type: 'confirm', phone: ADA },
  cancel: { type: 'cancel', by: 'computer' },
  redeem: { type: 'redeem', ticketRight: true, sessionId: 'session' },
}

/** What section 2 of PROTOCOL.md says: a new status, a refusal, or no change. A missing cell does not compile. */
const EXPECTED: Record<Status, Record<EventType, { to: Status } | { refused: ErrorCode } | 'same'>> = {
  pending: {
    scan: { to: 'scanned' },
    match: { refused: 'wrong_state' },
    confirm: { refused: 'wrong_state' },
    cancel: { to: 'cancelled' },
    redeem: { refused: 'wrong_state' },
  },
  scanned: {
    scan: 'same',
    match: { refused: 'match_not_due' },
    confirm: { to: 'confirmed' },
    cancel: { to: 'cancelled' },
    redeem: { refused: 'wrong_state' },
  },
  confirmed: {
    scan: 'same',
    match: { refused: 'wrong_state' },
    confirm: 'same',
    cancel: { to: 'cancelled' },
    redeem: { to: 'redeemed' },
  },
  redeemed: {
    scan: { refused: 'wrong_state' },
    match: { refused: 'wrong_state' },
    confirm: 'same',
    cancel: { refused: 'wrong_state' },
    redeem: 'same',
  },
  cancelled: {
    scan: { refused: 'attempt_ended' },
    match: { refused: 'attempt_ended' },
    confirm: { refused: 'attempt_ended' },
    cancel: 'same',
    redeem: { refused: 'attempt_ended' },
  },
  expired: {
    scan: { refused: 'attempt_ended' },
    match: { refused: 'attempt_ended' },
    confirm: { refused: 'attempt_ended' },
    cancel: { refused: 'attempt_ended' },
    redeem: { refused: 'attempt_ended' },
  },
}

function refusalOf(run: () => unknown): ErrorCode | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

function apply(attempt: Attempt, event: AttemptEvent, now = T0) {
  return transition(attempt, event, now, LIFETIMES)
}

describe('every status × every event', () => {
  for (const status of Object.keys(EXPECTED) as Status[]) {
    for (const type of Object.keys(EXPECTED[status]) as EventType[]) {
      const expected = EXPECTED[status][type]
      test(`${status} × ${type}: ${JSON.stringify(expected)}`, () => {
        const before = ATTEMPTS[status]
        const frozen = JSON.stringify(before)
        const now = LATER[status]
        expect(attemptAt(before, now).status).toBe(status)
        if (expected === 'same') expect(apply(before, EVENTS[type], now)).toEqual({ attempt: before })
        else if ('refused' in expected) {
          expect(refusalOf(() => apply(before, EVENTS[type], now))).toBe(expected.refused)
        } else {
          const { attempt, refusal } = apply(before, EVENTS[type], now)
          expect({ status: attempt.status, version: attempt.version, refusal }).toEqual({
            status: expected.to,
            version: before.version + 1,
            refusal: undefined,
          })
        }
        expect(JSON.stringify(before)).toBe(frozen)
      })
    }
  }
})

describe('scan', () => {
  test('a dead code scans nothing', () => {
    expect(refusalOf(() => apply(pending, scanBy(ADA, { codeAlive: false })))).toBe('code_expired')
  })

  test('the phone that scanned gets the same answer even when its code has died since', () => {
    expect(apply(scanned, scanBy(ADA, { codeAlive: false })).attempt).toBe(scanned)
    expect(apply(confirmed, scanBy(ADA, { codeAlive: false })).attempt).toBe(confirmed)
  })

  test('another phone is refused, be it another person or another phone of the same person', () => {
    const adasOther = { ...ADA, sessionId: 'other-phone-of-ada' }
    for (const phone of [LIN, adasOther]) {
      expect(refusalOf(() => apply(scanned, scanBy(phone)))).toBe('attempt_taken')
      expect(refusalOf(() => apply(confirmed, scanBy(phone)))).toBe('attempt_taken')
    }
  })

  test('a repeat does not change what the first scan established', () => {
    expect(apply(matchDue, scanBy(ADA, { matchRequired: false, sameNetwork: true })).attempt).toBe(matchDue)
  })

  test('a dead code of an attempt that ran out is called expired', () => {
    expect(refusalOf(() => apply(pending, scanBy(ADA, { codeAlive: false }), T0 + 300_000))).toBe('code_expired')
  })
})

describe('match', () => {
  test('the right number passes, and passing again gives the same answer whatever the number', () => {
    expect(matchPassed).toMatchObject({ version: 3, scan: { match: { passed: true, attemptsLeft: 2 } } })
    expect(apply(matchPassed, { type: 'match', right: true }).attempt).toBe(matchPassed)
    expect(apply(matchPassed, { type: 'match', right: false }).attempt).toBe(matchPassed)
  })

  test('a wrong number costs a try and says how many are left', () => {
    const { attempt, refusal } = apply(matchDue, { type: 'match', right: false })
    expect(attempt).toMatchObject({ status: 'scanned', version: 3, scan: { match: { attemptsLeft: 1 } } })
    expect(refusal).toMatchObject({ code: 'match_wrong', facts: { attemptsLeft: 1 } })
  })

  test('the second wrong number ends the attempt', () => {
    const once = apply(matchDue, { type: 'match', right: false }).attempt
    const { attempt, refusal } = apply(once, { type: 'match', right: false })
    expect(attempt).toMatchObject({ status: 'cancelled', cancelledBy: 'match', version: 4 })
    expect(refusal?.code).toBe('attempt_ended')
  })

  test('confirming waits for it', () => {
    expect(refusalOf(() => apply(matchDue, { type: 'confirm', phone: ADA }))).toBe('match_required')
    expect(apply(matchPassed, { type: 'confirm', phone: ADA }).attempt.status).toBe('confirmed')
  })
})

describe('confirm', () => {
  test('only the phone that scanned can confirm', () => {
    for (const attempt of [scanned, confirmed, redeemed]) {
      expect(refusalOf(() => apply(attempt, { type: 'confirm', phone: LIN }))).toBe('claim_unknown')
    }
  })
})

describe('redeem', () => {
  test('a wrong ticket redeems nothing', () => {
    const wrong: AttemptEvent = { type: 'redeem', ticketRight: false, sessionId: 'session' }
    expect(refusalOf(() => apply(confirmed, wrong))).toBe('ticket_wrong')
    expect(refusalOf(() => apply(redeemed, wrong))).toBe('ticket_wrong')
  })

  test('a repeat gives the same session for 10 s and none after', () => {
    const repeat: AttemptEvent = { type: 'redeem', ticketRight: true, sessionId: 'another' }
    expect(apply(redeemed, repeat, T0 + REDEEM_REPEAT_MS).attempt).toMatchObject({ sessionId: 'session' })
    expect(refusalOf(() => apply(redeemed, repeat, T0 + REDEEM_REPEAT_MS + 1))).toBe('wrong_state')
  })
})

describe('time', () => {
  test('each running status ends after its own lifetime, to the millisecond', () => {
    const ends = { pending: 300_000, scanned: 120_000, confirmed: 60_000 }
    for (const [status, lifetime] of Object.entries(ends)) {
      const attempt = ATTEMPTS[status as Status]
      expect(attemptAt(attempt, T0 + lifetime - 1).status).toBe(status)
      expect(attemptAt(attempt, T0 + lifetime)).toMatchObject({ status: 'expired', version: attempt.version + 1 })
    }
  })

  test('an ended attempt does not expire', () => {
    expect(attemptAt(redeemed, T0 + 10 ** 9)).toBe(redeemed)
    expect(attemptAt(cancelled, T0 + 10 ** 9)).toBe(cancelled)
  })
})
