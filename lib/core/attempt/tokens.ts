import { createHash } from 'node:crypto'
import { isSame, type Keyring, type Keys, keyDigit, mac } from '../keys'
import type { Phone } from './attempt'
import { ATTEMPT_ID_CHARS } from './code'

/**
 * Claim, ticket, match number and session id are derived from the attempt, not random and stored: a
 * stolen store contains none of them, and a repeated step gives the same response. They are derived
 * with the keys that the attempt names, so that every process derives the same values while the
 * secret is rotated.
 */
const MAC_BYTES = 24
const TICKET = /^[0-9a-f][A-Za-z0-9_-]{32}$/
const CLAIM = /^[A-Za-z0-9_-]{16}[0-9a-f][A-Za-z0-9_-]{32}$/

export const SESSION_ID = /^[A-Za-z0-9_-]{32}$/

/**
 * The claim proves that a confirm or cancel comes from the phone that scanned. It is the attempt's
 * id, the key digit, and a MAC over the id and that phone.
 */
export function encodeClaim(keys: Keys, attemptId: string, phone: Phone): string {
  return attemptId + keyDigit(keys) + claimMac(keys, attemptId, phone).toString('base64url')
}

/** Returns the attempt's id if the claim was issued to this phone, otherwise null. */
export function parseClaim(keys: Keyring, claim: string, phone: Phone): string | null {
  if (!CLAIM.test(claim)) return null
  const attemptId = claim.slice(0, ATTEMPT_ID_CHARS)
  const digit = claim.charAt(ATTEMPT_ID_CHARS)
  const given = Buffer.from(claim.slice(ATTEMPT_ID_CHARS + 1), 'base64url')
  const isOurs = keys.some((each) => keyDigit(each) === digit && isSame(claimMac(each, attemptId, phone), given))
  return isOurs ? attemptId : null
}

/** The ticket is issued to the computer when the phone has confirmed, for one session. */
export function encodeTicket(keys: Keys, attemptId: string): string {
  return keyDigit(keys) + mac(keys.ticket, attemptId, MAC_BYTES).toString('base64url')
}

export function isTicketOf(keys: Keys, attemptId: string, ticket: string): boolean {
  if (!TICKET.test(ticket) || ticket.charAt(0) !== keyDigit(keys)) return false
  return isSame(mac(keys.ticket, attemptId, MAC_BYTES), Buffer.from(ticket.slice(1), 'base64url'))
}

/** Two digits, 10 to 99: shown on the phone, typed on the computer. */
export function matchNumberOf(keys: Keys, attemptId: string): string {
  return String(10 + (mac(keys.match, attemptId, 4).readUInt32BE() % 90))
}

export function isMatchNumberOf(keys: Keys, attemptId: string, number: string): boolean {
  return isSame(Buffer.from(matchNumberOf(keys, attemptId)), Buffer.from(number))
}

/** The id of the only session that this attempt can create, even if steps are lost or repeated. */
export function sessionIdOf(keys: Keys, attemptId: string): string {
  return mac(keys.session, attemptId, MAC_BYTES).toString('base64url')
}

/**
 * The stored form of a browser secret. The secret has 256 random bits, so a plain hash cannot be
 * reversed.
 */
export function hashBrowserSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function claimMac(keys: Keys, attemptId: string, phone: Phone): Buffer {
  return mac(keys.claim, JSON.stringify([attemptId, phone.person.id, phone.sessionId]), MAC_BYTES)
}
