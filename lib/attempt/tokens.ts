import { createHash } from 'node:crypto'
import type { Phone } from './attempt'
import { ATTEMPT_ID_CHARS } from './code'
import { isSame, type Keyring, type Keys, mac } from './keys'

/**
 * Claim, ticket, match number and session id are derived from the attempt, not drawn and stored: a stolen store holds
 * none of them, and a step that is repeated gives the same answer.
 */
const MAC_BYTES = 24
const TICKET = /^[A-Za-z0-9_-]{32}$/
const CLAIM = /^[A-Za-z0-9_-]{48}$/

/** Proves to confirm and cancel that they come from the phone that scanned: the attempt's id, and a MAC over it and that phone. */
export function encodeClaim(keys: Keyring, attemptId: string, phone: Phone): string {
  return attemptId + claimMac(keys[0], attemptId, phone).toString('base64url')
}

/** The attempt's id when the claim was made by us for this very phone, else null. */
export function parseClaim(keys: Keyring, claim: string, phone: Phone): string | null {
  if (!CLAIM.test(claim)) return null
  const attemptId = claim.slice(0, ATTEMPT_ID_CHARS)
  const given = Buffer.from(claim.slice(ATTEMPT_ID_CHARS), 'base64url')
  return keys.some((key) => isSame(claimMac(key, attemptId, phone), given)) ? attemptId : null
}

/** Handed to the computer once the phone has confirmed; good for one session. */
export function encodeTicket(keys: Keyring, attemptId: string): string {
  return mac(keys[0].ticket, attemptId, MAC_BYTES).toString('base64url')
}

export function isTicketOf(keys: Keyring, attemptId: string, ticket: string): boolean {
  if (!TICKET.test(ticket)) return false
  const given = Buffer.from(ticket, 'base64url')
  return keys.some((key) => isSame(mac(key.ticket, attemptId, MAC_BYTES), given))
}

/** Two digits, 10 to 99: what the phone shows and the computer types. */
export function matchNumberOf(keys: Keyring, attemptId: string): string {
  return numberFrom(keys[0], attemptId)
}

export function isMatchNumberOf(keys: Keyring, attemptId: string, number: string): boolean {
  return keys.some((key) => isSame(Buffer.from(numberFrom(key, attemptId)), Buffer.from(number)))
}

/** The id of the one session that this attempt can ever lead to, whatever is lost or repeated. */
export function sessionIdOf(keys: Keyring, attemptId: string): string {
  return mac(keys[0].session, attemptId, MAC_BYTES).toString('base64url')
}

/** How a browser secret is remembered. The secret has 256 random bits, so a plain hash cannot be turned back. */
export function hashBrowserSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function claimMac(keys: Keys, attemptId: string, phone: Phone): Buffer {
  return mac(keys.claim, JSON.stringify([attemptId, phone.person.id, phone.sessionId]), MAC_BYTES)
}

function numberFrom(keys: Keys, attemptId: string): string {
  return String(10 + (mac(keys.match, attemptId, 4).readUInt32BE() % 90))
}
