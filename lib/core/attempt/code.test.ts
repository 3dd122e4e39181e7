import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ID, KEYS, T0 } from '../../../test/support/fixtures'
import { deriveKeyring } from '../keys'
import { CLOCK_SLACK_MS } from './attempt'
import { ATTEMPT_ID, codePeriodAt, encodeCode, isCodeAlive, parseCode, toAttemptId } from './code'

const PERIOD_MS = 30_000

describe('a code', () => {
  test('decodes to the attempt and the period that it was generated for', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        fc.integer({ min: 0, max: 3.4e12 }),
        (id, startsAt) => {
          const attemptId = toAttemptId(Buffer.from(id))
          const parsed = parseCode(KEYS, encodeCode(KEYS[0], attemptId, startsAt))
          expect(parsed).toEqual({ attemptId, startsAt: startsAt - (startsAt % 50) })
        },
      ),
    )
  })

  test('gives a URL of at most 64 characters for an origin of 24', () => {
    const origin = 'https://login.example.io'
    expect(origin).toHaveLength(24)
    expect(`${origin}/q#${encodeCode(KEYS[0], ID, T0)}`.length).toBeLessThanOrEqual(64)
  })

  test('is invalid if any character is changed', () => {
    const code = encodeCode(KEYS[0], ID, T0)
    for (let index = 0; index < code.length; index += 1) {
      const other = code[index] === 'A' ? 'B' : 'A'
      expect(parseCode(KEYS, code.slice(0, index) + other + code.slice(index + 1))).toBeNull()
    }
  })

  test('is invalid if signed with another secret, malformed, or of another length', () => {
    const other = deriveKeyring(['another secret that is long enough too'])
    const code = encodeCode(KEYS[0], ID, T0)
    for (const bad of [
      encodeCode(other[0], ID, T0),
      '',
      'x',
      code.slice(1),
      `${code}A`,
      code.replace(/.$/, '='),
      ' '.repeat(36),
    ]) {
      expect(parseCode(KEYS, bad)).toBeNull()
    }
  })

  test('stays valid while its secret is rotated', () => {
    const rotated = deriveKeyring(['a newer secret that is long enough too', 'a secret for tests that is long enough'])
    expect(parseCode(rotated, encodeCode(KEYS[0], ID, T0))).toEqual({ attemptId: ID, startsAt: T0 })
  })

  test('expires two periods after its start', () => {
    expect(isCodeAlive(T0, T0, PERIOD_MS)).toBe(true)
    expect(isCodeAlive(T0, T0 + 2 * PERIOD_MS - 1, PERIOD_MS)).toBe(true)
    expect(isCodeAlive(T0, T0 + 2 * PERIOD_MS, PERIOD_MS)).toBe(false)
  })

  test('of a future period is expired; up to 5 s in the future is accepted', () => {
    expect(isCodeAlive(T0, T0 - CLOCK_SLACK_MS, PERIOD_MS)).toBe(true)
    expect(isCodeAlive(T0, T0 - CLOCK_SLACK_MS - 1, PERIOD_MS)).toBe(false)
  })
})

describe('periods', () => {
  test('count from the start of the attempt, so that the first is complete', () => {
    expect(codePeriodAt(T0, T0, PERIOD_MS)).toEqual({ startsAt: T0, endsAt: T0 + PERIOD_MS })
    expect(codePeriodAt(T0, T0 + PERIOD_MS - 1, PERIOD_MS).startsAt).toBe(T0)
    expect(codePeriodAt(T0, T0 + PERIOD_MS, PERIOD_MS).startsAt).toBe(T0 + PERIOD_MS)
  })

  test('before the start of the attempt it is the first period', () => {
    expect(codePeriodAt(T0, T0 - 5_000, PERIOD_MS).startsAt).toBe(T0)
  })
})

describe('attempt ids', () => {
  test('encode 96 random bits', () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => toAttemptId(randomBytes(12))))
    expect(ids.size).toBe(10_000)
    for (const id of ids) expect(id).toMatch(ATTEMPT_ID)
    expect(() => toAttemptId(randomBytes(11))).toThrow(RangeError)
  })
})
