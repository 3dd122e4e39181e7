import { isSame, type Keyring, type Keys, keyDigit, mac } from '../keys'
import { CLOCK_SLACK_MS } from './attempt'

/**
 * The code in the QR symbol: attempt id (96 bits), key digit (4 bits), start of the code's period
 * (36 bits) and a truncated HMAC over the three (80 bits). It has 36 base64url characters, so that
 * `{origin}/q#{code}` has at most 64 for an origin of 24. It is generated and verified without the
 * store. A code lets a signed-in phone scan, and nothing else.
 */
const ID_BYTES = 12
const START_BYTES = 5
const MAC_BYTES = 10
const CODE = /^[A-Za-z0-9_-]{36}$/

/** Period starts are encoded in units of 50 ms: 36 bits are sufficient until the year 2078. */
const START_UNIT_MS = 50
const START_UNITS = 2 ** 36

export const ATTEMPT_ID = /^[A-Za-z0-9_-]{16}$/
export const ATTEMPT_ID_CHARS = 16

/** Encodes 12 new random bytes (96 bits) as an attempt id. */
export function toAttemptId(random: Buffer): string {
  if (random.length !== ID_BYTES) throw new RangeError(`an attempt id takes ${ID_BYTES} bytes`)
  return random.toString('base64url')
}

/**
 * Start and end of the period that contains `now` (epoch ms). Periods count from the attempt's
 * start.
 */
export function codePeriodAt(createdAt: number, now: number, periodMs: number): { startsAt: number; endsAt: number } {
  const index = Math.max(0, Math.floor((now - createdAt) / periodMs))
  const startsAt = createdAt + index * periodMs
  return { startsAt, endsAt: startsAt + periodMs }
}

/** `keys`: the keys of the attempt, see `keysNamed`. `startsAt`: of the period (epoch ms). */
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
 * Verifies a code and returns its attempt and the start of its period. Null: forged, malformed, or
 * signed with another secret. It does not check whether the code has expired.
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
 * A code is valid in its own period and the next one. A code whose period is in the future was
 * generated before the clock was set back: it is not valid.
 */
export function isCodeAlive(startsAt: number, now: number, periodMs: number): boolean {
  return startsAt - CLOCK_SLACK_MS <= now && now < startsAt + 2 * periodMs
}
