import { isSame, type Keyring, mac } from './keys'

/**
 * What the QR carries for a short while: attempt id, start of the code's period and a truncated HMAC over both.
 * 36 base64url characters, so that `{origin}/q#{code}` stays within 64 for an origin of 24. Made and checked without
 * the store; knowing one lets a signed-in phone scan and gives nothing else.
 */
const ID_BYTES = 12
const START_BYTES = 5
const MAC_BYTES = 10
const CODE = /^[A-Za-z0-9_-]{36}$/

/** Period starts are carried in units of 10 ms: five bytes of them last until the year 2318. */
const START_UNIT_MS = 10

export const ATTEMPT_ID = /^[A-Za-z0-9_-]{16}$/
export const ATTEMPT_ID_CHARS = 16

/** An attempt id from 12 bytes (96 bits) of fresh randomness. */
export function toAttemptId(random: Buffer): string {
  if (random.length !== ID_BYTES) throw new RangeError(`an attempt id takes ${ID_BYTES} bytes`)
  return random.toString('base64url')
}

/** When the period that holds `now` began and ends (epoch ms). Periods count from the attempt's start. */
export function codePeriodAt(createdAt: number, now: number, periodMs: number): { startsAt: number; endsAt: number } {
  const index = Math.max(0, Math.floor((now - createdAt) / periodMs))
  const startsAt = createdAt + index * periodMs
  return { startsAt, endsAt: startsAt + periodMs }
}

export function encodeCode(keys: Keyring, attemptId: string, startsAt: number): string {
  const signed = Buffer.alloc(ID_BYTES + START_BYTES)
  signed.write(attemptId, 'base64url')
  signed.writeUIntBE(Math.floor(startsAt / START_UNIT_MS), ID_BYTES, START_BYTES)
  return Buffer.concat([signed, mac(keys[0].code, signed, MAC_BYTES)]).toString('base64url')
}

/** The attempt and period of a code that we made, or null: forged, malformed, or from another secret. Says nothing about time. */
export function parseCode(keys: Keyring, code: string): { attemptId: string; startsAt: number } | null {
  if (!CODE.test(code)) return null
  const bytes = Buffer.from(code, 'base64url')
  const signed = bytes.subarray(0, ID_BYTES + START_BYTES)
  const given = bytes.subarray(ID_BYTES + START_BYTES)
  if (!keys.some((key) => isSame(mac(key.code, signed, MAC_BYTES), given))) return null
  return {
    attemptId: bytes.toString('base64url', 0, ID_BYTES),
    startsAt: bytes.readUIntBE(ID_BYTES, START_BYTES) * START_UNIT_MS,
  }
}

/** A code is good in its own period and the next one. */
export function isCodeAlive(startsAt: number, now: number, periodMs: number): boolean {
  return now < startsAt + 2 * periodMs
}
