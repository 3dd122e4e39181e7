import { createHash } from 'node:crypto'
import { isSame, type Keyring, type Keys, keyDigit, mac } from '../keys'
import type { Phone } from './attempt'
import { ATTEMPT_ID_CHARS } from './code'

/**
 * Claim, ticket, match number and session id are derived from the attempt, not drawn and stored: a
 * stolen store holds none of them, and a step that is repeated gives the same answer. The keys are
 * those that the attempt names, so that every process gives the same answer while the secret is
 * rotated.
 */
const MAC_BYTES = 24
const TICKET = /^[0-9a-f][A-Za-z0-9_-]{32}$/
const CLAIM = /^[A-Za-z0-9_-]{16}[0-9a-f][A-Za-z0-9_-]{32}$/

export const SESSION_ID = /^[A-Za-z0-9_-]{32}$/

/**
 * Proves to confirm and cancel that they come from the phone that scanned: the attempt's id, the
 * key's digit, and a MAC over the id and that phone.
 */
export function encodeClaim(keys: Keys, attemptId: string, phone: Phone): string {
  return attemptId + keyDigit(keys) + claimMac(keys, attemptId, phone).toString('base64url')
}

/** The attempt's id when the claim was made by us for this very phone, else null. */
export function parseClaim(keys: Keyring, claim: string, phone: Phone): string | null {
  if (!CLAIM.test(claim)) return null
  const attemptId = claim.slice(0, ATTEMPT_ID_CHARS)
  const digit = claim.charAt(ATTEMPT_ID_CHARS)
  const given = Buffer.from(claim.slice(ATTEMPT_ID_CHARS + 1), 'base64url')
  const isOurs = keys.some((each) => keyDigit(each) === digit && isSame(claimMac(each, attemptId, phone), given))
  return isOurs ? attemptId : null
}

/** Handed to the computer once the phone has confirmed; good for one session. */
export function encodeTicket(keys: Keys, attemptId: string): string {
  return keyDigit(keys) + mac(keys.ticket, attemptId, MAC_BYTES).toString('base64url')
}

export function isTicketOf(keys: Keys, attemptId: string, ticket: string): boolean {
  if (!TICKET.test(ticket) || ticket.charAt(0) !== keyDigit(keys)) return false
  return isSame(mac(keys.ticket, attemptId, MAC_BYTES), Buffer.from(ticket.slice(1), 'base64url'))
}

/** Two digits, 10 to 99: what the phone shows and the computer types. */
export function matchNumberOf(keys: Keys, attemptId: string): string {
  return String(10 + (mac(keys.match, attemptId, 4).readUInt32BE() % 90))
}

export function isMatchNumberOf(keys: Keys, attemptId: string, number: string): boolean {
  return isSame(Buffer.from(matchNumberOf(keys, attemptId)), Buffer.from(number))
}

/** The id of the one session that this attempt can ever lead to, whatever is lost or repeated. */
export function sessionIdOf(keys: Keys, attemptId: string): string {
  return mac(keys.session, attemptId, MAC_BYTES).toString('base64url')
}

/**
 * How a browser secret is remembered. The secret has 256 random bits, so a plain hash cannot be
 * turned back.
 */
export function hashBrowserSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function claimMac(keys: Keys, attemptId: string, phone: Phone): Buffer {
  return mac(keys.claim, JSON.stringify([attemptId, phone.person.id, phone.sessionId]), MAC_BYTES)
}
