import { describe, expect, test } from 'vitest'
import { ADA, afterEvents, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../../../test/support/fixtures'
import { type ErrorCode, ProtocolError } from '../errors'
import {
  type Attempt,
  attemptAt,
  CLOCK_SLACK_MS,
  type Phone,
  REDEEM_REPEAT_MS,
  REVOKE_MS,
  type Status,
} from './attempt'
import { type AttemptEvent, type EventType, transition } from './transition'

const pending = pendingAttempt()
const scanned = afterEvents(pending, scanBy(ADA))
const matchDue = afterEvents(pending, scanBy(ADA, { matchReasons: ['policy'] }))
const matchPassed = afterEvents(matchDue, { type: 'match', right: true })
const confirmed = afterEvents(scanned, { type: 'confirm', phone: ADA, passkey: 'none' })
const redeemed = afterEvents(confirmed, { type: 'redeem', ticketRight: true, sessionId: 'session', maxTries: 5 })
const cancelled = afterEvents(scanned, { type: 'cancel', phone: ADA })

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
  confirm: { type: 'confirm', phone: ADA, passkey: 'none' },
  cancel: { type: 'cancel', phone: null },
  redeem: { type: 'redeem', ticketRight: true, sessionId: 'session', maxTries: 5 },
}

/**
 * The table of section 2 of PROTOCOL.md: a new status, a refusal, or no change. A missing cell does
 * not compile.
 */
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
    redeem: { to: 'redeemed' },
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
  test('an expired code is refused', () => {
    expect(refusalOf(() => apply(pending, scanBy(ADA, { codeAlive: false })))).toBe('code_expired')
  })

  test('a repeat by the same phone gives the same result, even if its code has expired since', () => {
    expect(apply(scanned, scanBy(ADA, { codeAlive: false })).attempt).toBe(scanned)
    expect(apply(confirmed, scanBy(ADA, { codeAlive: false })).attempt).toBe(confirmed)
  })

  test('another phone is refused, of another person or of the same person', () => {
    const adasOther = { ...ADA, sessionId: 'other-phone-of-ada' }
    for (const phone of [LIN, adasOther]) {
      expect(refusalOf(() => apply(scanned, scanBy(phone)))).toBe('attempt_taken')
      expect(refusalOf(() => apply(confirmed, scanBy(phone)))).toBe('attempt_taken')
    }
  })

  test('a repeat does not change the result of the first scan', () => {
    expect(apply(matchDue, scanBy(ADA, { matchReasons: [], sameNetwork: true })).attempt).toBe(matchDue)
  })

  test('an expired code of an expired attempt is refused as code_expired', () => {
    expect(refusalOf(() => apply(pending, scanBy(ADA, { codeAlive: false }), T0 + 300_000))).toBe('code_expired')
  })
})

describe('match', () => {
  test('the right number passes; after that every number gives the same result', () => {
    expect(matchPassed).toMatchObject({ version: 3, scan: { match: { passed: true, attemptsLeft: 2 } } })
    expect(apply(matchPassed, { type: 'match', right: true }).attempt).toBe(matchPassed)
    expect(apply(matchPassed, { type: 'match', right: false }).attempt).toBe(matchPassed)
  })

  test('a wrong number uses up a try, and the refusal has the number of tries left', () => {
    const { attempt, refusal } = apply(matchDue, { type: 'match', right: false })
    expect(attempt).toMatchObject({ status: 'scanned', version: 3, scan: { match: { attemptsLeft: 1 } } })
    expect(refusal).toMatchObject({ code: 'match_wrong', facts: { attemptsLeft: 1 } })
  })

  test('the second wrong number cancels the attempt', () => {
    const once = apply(matchDue, { type: 'match', right: false }).attempt
    const { attempt, refusal } = apply(once, { type: 'match', right: false })
    expect(attempt).toMatchObject({ status: 'cancelled', cancelledBy: 'match', version: 4 })
    expect(refusal?.code).toBe('attempt_ended')
  })

  test('a confirm is refused until the number has passed', () => {
    expect(refusalOf(() => apply(matchDue, { type: 'confirm', phone: ADA, passkey: 'none' }))).toBe('match_required')
    expect(apply(matchPassed, { type: 'confirm', phone: ADA, passkey: 'none' }).attempt.status).toBe('confirmed')
  })
})

describe('confirm', () => {
  test('only the phone that scanned can confirm', () => {
    for (const attempt of [scanned, confirmed, redeemed]) {
      expect(refusalOf(() => apply(attempt, { type: 'confirm', phone: LIN, passkey: 'none' }))).toBe('claim_unknown')
    }
  })
})

const WRONG_TICKET: AttemptEvent = { type: 'redeem', ticketRight: false, sessionId: 'session', maxTries: 5 }

describe('the minimum time before a confirm', () => {
  const slow = { ...LIFETIMES, confirmMinMs: 700 }
  const confirm: AttemptEvent = { type: 'confirm', phone: ADA, passkey: 'none' }

  test('an earlier confirm is refused, to the millisecond', () => {
    const early = () => transition(scanned, confirm, T0 + 699, slow)
    expect(refusalOf(early)).toBe('too_soon')
    expect(transition(scanned, confirm, T0 + 700, slow).attempt.status).toBe('confirmed')
  })

  test('with a minimum of 0, a confirm 2 ms before the scan (clock skew) is accepted', () => {
    expect(transition(scanned, confirm, T0 - 2, LIFETIMES).attempt.status).toBe('confirmed')
  })

  test('match_required is checked first, and a repeated scan does not restart the time', () => {
    expect(refusalOf(() => transition(matchDue, confirm, T0, slow))).toBe('match_required')
    const again = transition(scanned, scanBy(ADA), T0 + 650, slow).attempt
    expect(transition(again, confirm, T0 + 700, slow).attempt.status).toBe('confirmed')
  })
})

describe('redeem', () => {
  test('a wrong ticket is refused and does not redeem', () => {
    for (const attempt of [confirmed, redeemed]) {
      const { refusal, attempt: tried } = apply(attempt, WRONG_TICKET)
      expect(refusal?.code).toBe('ticket_wrong')
      expect(tried.status).toBe(attempt.status)
    }
  })

  test('five tries, right or wrong, repeats included; then rate_limited until the attempt ends', () => {
    const right: AttemptEvent = { type: 'redeem', ticketRight: true, sessionId: 'session', maxTries: 5 }
    const four = afterEvents(confirmed, WRONG_TICKET, WRONG_TICKET, WRONG_TICKET, WRONG_TICKET)
    const fifth = apply(four, right).attempt
    expect(fifth).toMatchObject({ status: 'redeemed', redeemTries: 5 })
    expect(refusalOf(() => apply(fifth, right))).toBe('rate_limited')
    const five = afterEvents(four, WRONG_TICKET)
    expect(refusalOf(() => apply(five, right))).toBe('rate_limited')
    expect(attemptAt(five, T0 + 60_000).status).toBe('expired')
  })

  test('a repeat returns the same session for 10 s, then is refused', () => {
    const repeat: AttemptEvent = { type: 'redeem', ticketRight: true, sessionId: 'another', maxTries: 5 }
    expect(apply(redeemed, repeat, T0 + REDEEM_REPEAT_MS).attempt).toMatchObject({ sessionId: 'session' })
    expect(refusalOf(() => apply(redeemed, repeat, T0 + REDEEM_REPEAT_MS + 1))).toBe('wrong_state')
  })

  test('a repeat of a redeem in the future (the clock was set back) is refused', () => {
    const repeat: AttemptEvent = { type: 'redeem', ticketRight: true, sessionId: 'another', maxTries: 5 }
    expect(apply(redeemed, repeat, T0 - CLOCK_SLACK_MS).attempt).toMatchObject({ sessionId: 'session' })
    expect(refusalOf(() => apply(redeemed, repeat, T0 - CLOCK_SLACK_MS - 1))).toBe('wrong_state')
  })
})

describe('cancel', () => {
  const byPhone: AttemptEvent = { type: 'cancel', phone: ADA }

  test('"Wasn\'t you?" of the scanner returns the session to sign out for 10 min, also repeated, and changes nothing', () => {
    for (const now of [T0, T0 + 5_000, T0 + REVOKE_MS]) {
      expect(apply(redeemed, byPhone, now)).toEqual({ attempt: redeemed, revokes: 'session' })
    }
    expect(refusalOf(() => apply(redeemed, byPhone, T0 + REVOKE_MS + 1))).toBe('wrong_state')
  })

  test('another phone or the computer cannot undo a redeem', () => {
    expect(refusalOf(() => apply(redeemed, { type: 'cancel', phone: LIN }))).toBe('claim_unknown')
    expect(refusalOf(() => apply(redeemed, { type: 'cancel', phone: null }))).toBe('wrong_state')
  })

  test('a phone whose scan is not stored gets attempt_ended, not a review, when it cancels', () => {
    const lost = afterEvents(pending, { type: 'cancel', phone: null })
    const cancel = (attempt: Attempt, phone: Phone | null) =>
      transition(attempt, { type: 'cancel', phone }, T0, LIFETIMES)
    for (const [attempt, phone] of [
      [lost, ADA],
      [cancelled, LIN],
    ] as const) {
      expect(() => cancel(attempt, phone)).toThrow(new ProtocolError('attempt_ended'))
    }
    expect([cancel(lost, null).attempt, cancel(cancelled, ADA).attempt]).toEqual([lost, cancelled])
  })

  test('a phone whose scan was lost cancels a pending attempt, and gets attempt_ended; of another scan: claim_unknown', () => {
    const { attempt, refusal } = apply(pending, byPhone)
    expect([attempt.status, refusal?.code]).toEqual(['cancelled', 'attempt_ended'])
    expect(refusalOf(() => apply(scanned, { type: 'cancel', phone: LIN }))).toBe('claim_unknown')
  })

  test('only the phone that scanned receives cancelledBy', () => {
    const factsOf = (attempt: Attempt, phone = ADA) => {
      try {
        return apply(attempt, { type: 'confirm', phone, passkey: 'none' })
      } catch (error) {
        return error instanceof ProtocolError ? error.facts : error
      }
    }
    expect(factsOf(cancelled)).toEqual({ cancelledBy: 'phone' })
    expect(factsOf(afterEvents(scanned, { type: 'cancel', phone: null }))).toEqual({ cancelledBy: 'computer' })
    expect(factsOf(cancelled, LIN)).toEqual({})
    expect(factsOf(afterEvents(pending, { type: 'cancel', phone: null }))).toEqual({})
  })
})

describe('time', () => {
  test('each running status expires after its own lifetime, to the millisecond', () => {
    const ends = { pending: 300_000, scanned: 120_000, confirmed: 60_000 }
    for (const [status, lifetime] of Object.entries(ends)) {
      const attempt = ATTEMPTS[status as Status]
      expect(attemptAt(attempt, T0 + lifetime - 1).status).toBe(status)
      expect(attemptAt(attempt, T0 + lifetime)).toMatchObject({ status: 'expired', version: attempt.version + 1 })
    }
  })

  test('each running status expires if the clock is set back to before its start', () => {
    for (const status of ['pending', 'scanned', 'confirmed'] as const) {
      const attempt = ATTEMPTS[status]
      expect(attemptAt(attempt, T0 - CLOCK_SLACK_MS).status).toBe(status)
      expect(attemptAt(attempt, T0 - 24 * 3_600_000)).toMatchObject({ status: 'expired', version: attempt.version + 1 })
    }
  })

  test('an ended attempt does not expire', () => {
    expect(attemptAt(redeemed, T0 + 10 ** 9)).toBe(redeemed)
    expect(attemptAt(cancelled, T0 + 10 ** 9)).toBe(cancelled)
  })
})
