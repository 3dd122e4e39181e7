import { isSame, type Keyring, type Keys, keyDigit, mac } from '../keys'
import { CLOCK_SLACK_MS } from './attempt'

/**
 * What the QR carries for a short while: attempt id (96 bits), a digit that names the key (4 bits),
 * start of the code's period (36 bits) and a truncated HMAC over the three (80 bits). 36 base64url
 * characters, so that `{origin}/q#{code}` stays within 64 for an origin of 24. Made and checked
 * without the store; knowing one lets a signed-in phone scan and gives nothing else.
 */
const ID_BYTES = 12
const START_BYTES = 5
const MAC_BYTES = 10
const CODE = /^[A-Za-z0-9_-]{36}$/

/** Period starts are carried in units of 50 ms: 36 bits of them last until the year 2078. */
const START_UNIT_MS = 50
const START_UNITS = 2 ** 36

export const ATTEMPT_ID = /^[A-Za-z0-9_-]{16}$/
export const ATTEMPT_ID_CHARS = 16

/** An attempt id from 12 bytes (96 bits) of fresh randomness. */
export function toAttemptId(random: Buffer): string {
  if (random.length !== ID_BYTES) throw new RangeError(`an attempt id takes ${ID_BYTES} bytes`)
  return random.toString('base64url')
}

/**
 * When the period that holds `now` began and ends (epoch ms). Periods count from the attempt's
 * start.
 */
export function codePeriodAt(createdAt: number, now: number, periodMs: number): { startsAt: number; endsAt: number } {
  const index = Math.max(0, Math.floor((now - createdAt) / periodMs))
  const startsAt = createdAt + index * periodMs
  return { startsAt, endsAt: startsAt + periodMs }
}

/** `keys`: those of the attempt, by `keysNamed`. */
export function encodeCode(keys: Keys, attemptId: string, startsAt: number): string {
  const signed = Buffer.alloc(ID_BYTES + START_BYTES)
  signed.write(attemptId, 'base64url')
  const start = Math.floor(startsAt / START_UNIT_MS)
  signed.writeUIntBE(Number.parseInt(keyDigit(keys), 16) * START_UNITS + start, ID_BYTES, START_BYTES)
  return Buffer.concat([signed, mac(keys.code, signed, MAC_BYTES)]).toString('base64url')
}

/** What a genuine code contains. */
export interface ParsedCode {
  attemptId: string
  /** Start of its period, epoch ms. */
  startsAt: number
}

/**
 * The attempt and period of a code that we made, or null: forged, malformed, or from another
 * secret. Says nothing about time.
 */
export function parseCode(keys: Keyring, code: string): ParsedCode | null {
  if (!CODE.test(code)) return null
  const bytes = Buffer.from(code, 'base64url')
  const signed = bytes.subarray(0, ID_BYTES + START_BYTES)
  const given = bytes.subarray(ID_BYTES + START_BYTES)
  const digitAndStart = bytes.readUIntBE(ID_BYTES, START_BYTES)
  const digit = Math.floor(digitAndStart / START_UNITS).toString(16)
  const named = keys.filter((each) => keyDigit(each) === digit)
  if (!named.some((each) => isSame(mac(each.code, signed, MAC_BYTES), given))) return null
  const startsAt = (digitAndStart % START_UNITS) * START_UNIT_MS
  return { attemptId: bytes.toString('base64url', 0, ID_BYTES), startsAt }
}

/**
 * A code is good in its own period and the next one. One whose period has not begun was made before
 * the clock was set back.
 */
export function isCodeAlive(startsAt: number, now: number, periodMs: number): boolean {
  return startsAt - CLOCK_SLACK_MS <= now && now < startsAt + 2 * periodMs
}
