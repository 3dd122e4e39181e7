import { describe, expect, test } from 'vitest'
import { ADA, afterEvents, ID, KEYS, LIFETIMES, pendingAttempt, scanBy, T0 } from '../../../test/support/fixtures'
import { deriveKeyring } from '../keys'
import { encodeClaim, encodeTicket, matchNumberOf } from './tokens'
import { toAttemptView, toReview } from './views'

const CONTEXT = { keys: KEYS, lifetimes: LIFETIMES, publicOrigin: 'https://login.example.com' }
const pending = pendingAttempt()
const scanned = afterEvents(pending, scanBy(ADA))
const confirmed = afterEvents(scanned, { type: 'confirm', phone: ADA, passkey: 'none' })
const redeemed = afterEvents(confirmed, { type: 'redeem', ticketRight: true, sessionId: 'session', maxTries: 5 })
const claim = encodeClaim(KEYS[0], ID, ADA)

describe('the view of the computer', () => {
  test('before the scan: the code, and nothing about a person', () => {
    const view = toAttemptView(pending, T0, CONTEXT)
    expect(view).toEqual({
      id: ID,
      version: 1,
      status: 'pending',
      expiresInMs: 300_000,
      code: { url: expect.stringMatching(/^https:\/\/login\.example\.com\/q#[\w-]{36}$/), expiresInMs: 30_000 },
    })
  })

  test('after the scan: only name and picture of the person, and no code', () => {
    expect(toAttemptView(scanned, T0, CONTEXT)).toEqual({
      id: ID,
      version: 2,
      status: 'scanned',
      expiresInMs: 120_000,
      person: { name: 'Ada Byron', avatarUrl: '/avatars/ada.svg' },
      match: { required: false, passed: false, attemptsLeft: 2 },
    })
  })

  test('while confirmed: the ticket; after that: none', () => {
    expect(toAttemptView(confirmed, T0, CONTEXT)).toMatchObject({
      ticket: encodeTicket(KEYS[0], ID),
      expiresInMs: 60_000,
    })
    expect(toAttemptView(redeemed, T0, CONTEXT)).toEqual({ id: ID, version: 4, status: 'redeemed', expiresInMs: 0 })
    expect(toAttemptView(confirmed, T0 + 60_000, CONTEXT)).toEqual({
      id: ID,
      version: 4,
      status: 'expired',
      expiresInMs: 0,
    })
  })

  test('cancelled: cancelledBy', () => {
    const cancelled = afterEvents(scanned, { type: 'cancel', phone: ADA })
    expect(toAttemptView(cancelled, T0, CONTEXT)).toMatchObject({
      status: 'cancelled',
      cancelledBy: 'phone',
      expiresInMs: 0,
    })
  })

  test('the countdown of the last code ends with the attempt', () => {
    expect(toAttemptView(pending, T0 + 45_000, CONTEXT).code?.expiresInMs).toBe(15_000)
    const short = { ...CONTEXT, lifetimes: { ...LIFETIMES, codePeriodMs: 200_000 } }
    expect(toAttemptView(pending, T0 + 250_000, short).code?.expiresInMs).toBe(50_000)
  })
})

describe('the review of the phone', () => {
  test('contains the computer without its address', () => {
    const review = toReview(scanned, claim, T0 + 7_000, KEYS)
    expect(review).toEqual({
      app: null,
      claim,
      status: 'scanned',
      expiresInMs: 113_000,
      computer: {
        browser: 'Firefox',
        os: 'Linux',
        place: null,
        requestedAgoMs: 7_000,
        sameNetwork: true,
        known: false,
      },
      match: { required: false, number: null, passed: false, reasons: [] },
    })
    expect(JSON.stringify(review)).not.toContain('203.0.113.7')
  })

  test('contains the number only if a match is required', () => {
    const due = afterEvents(pending, scanBy(ADA, { matchReasons: ['new_browser', 'other_network'] }))
    expect(toReview(due, claim, T0, KEYS).match).toEqual({
      required: true,
      number: matchNumberOf(KEYS[0], ID),
      passed: false,
      reasons: ['new_browser', 'other_network'],
    })
  })

  test('contains cancelledBy only if the attempt was cancelled', () => {
    const cancelled = afterEvents(scanned, { type: 'cancel', phone: null })
    expect(toReview(cancelled, claim, T0, KEYS)).toMatchObject({ status: 'cancelled', cancelledBy: 'computer' })
    expect(toReview(scanned, claim, T0, KEYS)).not.toHaveProperty('cancelledBy')
  })

  test('does not exist before a scan', () => {
    expect(() => toReview(pending, claim, T0, KEYS)).toThrow()
  })
})

test('during a rotation every process derives the same ticket, number and code', () => {
  const [older, newer] = ['a secret for tests that is long enough', 'a newer secret that is long enough too'] as const
  const rings = [[older], [older, newer], [newer, older]] as const
  const of = (status: typeof confirmed) =>
    new Set(
      rings.map((ring) => JSON.stringify(toAttemptView(status, T0, { ...CONTEXT, keys: deriveKeyring([...ring]) }))),
    )
  expect(of(pending).size).toBe(1)
  expect(of(confirmed).size).toBe(1)
  const due = afterEvents(pending, scanBy(ADA, { matchReasons: ['policy'] }))
  const numbers = rings.map((ring) => toReview(due, claim, T0, deriveKeyring([...ring])).match.number)
  expect(new Set(numbers).size).toBe(1)
})
