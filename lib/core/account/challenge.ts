import { CLOCK_SLACK_MS } from '../attempt/attempt'
import { isSame, type Keyring, type Keys, mac } from '../keys'

const RANDOM_BYTES = 16
const TIME_BYTES = 6
const MAC_BYTES = 16
const BYTES = RANDOM_BYTES + TIME_BYTES + MAC_BYTES
const CHALLENGE = /^[A-Za-z0-9_-]{51}$/

/** How long a challenge can be answered, in ms. */
export const CHALLENGE_MS = 5 * 60_000

/**
 * A WebAuthn challenge for one purpose: 16 random bytes, the time, and a MAC over both and the
 * purpose, base64url. Nothing is stored before it is answered, so that a request of an unknown
 * client leaves nothing behind.
 */
export function createChallenge(
  keys: Keys,
  purpose: string,
  { now, randomBytes }: { now: number; randomBytes: (size: number) => Buffer },
): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeUIntBE(now, 0, TIME_BYTES)
  const head = Buffer.concat([randomBytes(RANDOM_BYTES), time])
  return Buffer.concat([head, challengeMac(keys, head, purpose)]).toString('base64url')
}

/**
 * Until when the challenge can be answered (epoch ms). Null: it was not created for this purpose,
 * or is too old. It does not know whether the challenge was answered before.
 */
export function challengeEndsAt(keys: Keyring, challenge: string, purpose: string, now: number): number | null {
  if (!CHALLENGE.test(challenge)) return null
  const bytes = Buffer.from(challenge, 'base64url')
  // Two bits of the last character are unused: one of its four spellings is ours.
  if (bytes.length !== BYTES || bytes.toString('base64url') !== challenge) return null
  const head = bytes.subarray(0, RANDOM_BYTES + TIME_BYTES)
  const given = bytes.subarray(RANDOM_BYTES + TIME_BYTES)
  if (!keys.some((each) => isSame(challengeMac(each, head, purpose), given))) return null
  const createdAt = head.readUIntBE(RANDOM_BYTES, TIME_BYTES)
  const isFresh = now < createdAt + CHALLENGE_MS && createdAt <= now + CLOCK_SLACK_MS
  return isFresh ? createdAt + CHALLENGE_MS : null
}

function challengeMac(keys: Keys, head: Buffer, purpose: string): Buffer {
  return mac(keys.challenge, Buffer.concat([head, Buffer.from(purpose)]), MAC_BYTES)
}
