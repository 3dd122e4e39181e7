import { describe, expect, test } from 'vitest'
import { ADA, ID, KEYS, LIN } from '../../../test/support/fixtures'
import { deriveKeyring, keysNamed } from '../keys'
import {
  encodeClaim,
  encodeTicket,
  hashBrowserSecret,
  isMatchNumberOf,
  isTicketOf,
  matchNumberOf,
  parseClaim,
  sessionIdOf,
} from './tokens'

const OTHER_ID = 'BBBBBBBBBBBBBBBB'
const ROTATED = deriveKeyring(['a newer secret that is long enough too', 'a secret for tests that is long enough'])
/** The keys that a record from before the rotation names. */
const OLDER = keysNamed(ROTATED, KEYS[0].id)

describe('a claim', () => {
  const claim = encodeClaim(KEYS[0], ID, ADA)

  test('is valid for the phone that it was issued to', () => {
    expect(parseClaim(KEYS, claim, ADA)).toBe(ID)
  })

  test('is not valid for another person, nor for another phone of the same person', () => {
    expect(parseClaim(KEYS, claim, LIN)).toBeNull()
    expect(parseClaim(KEYS, claim, { ...ADA, sessionId: 'another' })).toBeNull()
  })

  test('is not valid for another attempt, truncated, or lengthened', () => {
    for (const bad of [OTHER_ID + claim.slice(16), claim.slice(0, -1), `${claim}A`, '', ID]) {
      expect(parseClaim(KEYS, bad, ADA)).toBeNull()
    }
  })

  test('is unambiguous for ids that would be equal when concatenated', () => {
    const one = { sessionId: 'b","c', person: { id: 'a', name: '', avatarUrl: null } }
    const two = { sessionId: 'c', person: { id: 'a","b', name: '', avatarUrl: null } }
    expect(parseClaim(KEYS, encodeClaim(KEYS[0], ID, one), two)).toBeNull()
  })

  test('stays valid while the secret is rotated', () => {
    expect(parseClaim(ROTATED, claim, ADA)).toBe(ID)
  })
})

describe('a ticket', () => {
  test('is valid for its own attempt only', () => {
    const ticket = encodeTicket(KEYS[0], ID)
    expect(isTicketOf(KEYS[0], ID, ticket)).toBe(true)
    expect(isTicketOf(OLDER, ID, ticket)).toBe(true)
    expect(isTicketOf(ROTATED[0], ID, ticket)).toBe(false)
    expect(isTicketOf(KEYS[0], OTHER_ID, ticket)).toBe(false)
    expect(isTicketOf(KEYS[0], ID, '')).toBe(false)
    expect(isTicketOf(KEYS[0], ID, ticket.slice(0, -4))).toBe(false)
  })

  test('has exactly one valid encoding, although base64 decodes others', () => {
    const ticket = encodeTicket(KEYS[0], ID)
    for (const other of [`${ticket}x`, `${ticket}=`, ` ${ticket}`, `${ticket}\n`, ticket.replace(/.$/, '$&*')]) {
      expect(isTicketOf(KEYS[0], ID, other)).toBe(false)
    }
  })
})

describe('one token cannot be used as another', () => {
  test('claim, ticket and session id of one attempt have nothing in common', () => {
    const claim = encodeClaim(KEYS[0], ID, ADA).slice(16)
    expect(new Set([claim, encodeTicket(KEYS[0], ID), sessionIdOf(KEYS[0], ID)]).size).toBe(3)
    expect(isTicketOf(KEYS[0], ID, claim)).toBe(false)
    expect(isTicketOf(KEYS[0], ID, sessionIdOf(KEYS[0], ID))).toBe(false)
  })
})

describe('the match number', () => {
  test('has two digits, is the same each time, and all of 10 to 99 occur', () => {
    const numbers = new Set<string>()
    for (let index = 0; index < 3_000; index += 1) {
      const id = Buffer.from(index.toString().padStart(12)).toString('base64url')
      const number = matchNumberOf(KEYS[0], id)
      expect(number).toMatch(/^[1-9]\d$/)
      expect(matchNumberOf(KEYS[0], id)).toBe(number)
      expect(isMatchNumberOf(KEYS[0], id, number)).toBe(true)
      numbers.add(number)
    }
    expect(numbers.size).toBe(90)
  })

  test('another number is wrong; after a rotation the displayed one is still right', () => {
    const number = matchNumberOf(KEYS[0], ID)
    const other = number === '42' ? '43' : '42'
    expect(isMatchNumberOf(KEYS[0], ID, other)).toBe(false)
    expect(isMatchNumberOf(OLDER, ID, number)).toBe(true)
  })
})

test('a browser secret is stored as a hash', () => {
  expect(hashBrowserSecret('secret')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(hashBrowserSecret('secret')).not.toBe(hashBrowserSecret('secrets'))
})
