import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** One key per purpose, so that no token can be taken for another. */
export interface Keys {
  /**
   * Names the secret they come from, in records, limit keys and log hashes: 8 hex digits. Says
   * nothing about it.
   */
  id: string
  code: Buffer
  claim: Buffer
  ticket: Buffer
  match: Buffer
  session: Buffer
}

/**
 * The keys of every accepted secret: the first makes, all check. A rotation goes from `old` by
 * `old,new` and `new,old` to `new`, so that no process meets what was made under a secret that it
 * does not know.
 */
export type Keyring = readonly [Keys, ...Keys[]]

/**
 * Derives the keys of each secret by HKDF (RFC 5869), one label per purpose. Secrets: at least 32
 * characters.
 */
export function deriveKeyring(secrets: readonly [string, ...string[]]): Keyring {
  const [first, ...others] = secrets
  return [deriveKeys(first), ...others.map(deriveKeys)]
}

/** The keys that a record names; the first ones where it names none, or ones that are withdrawn. */
export function keysNamed(keys: Keyring, id: string | undefined): Keys {
  return keys.find((each) => each.id === id) ?? keys[0]
}

/**
 * What a token carries of the id of its keys: one hex digit. Two secrets may share it; then both
 * are tried.
 */
export function keyDigit(keys: Keys): string {
  return keys.id.charAt(0)
}

/** The id of a secret: 8 hex digits. */
export function keyIdOf(secret: string): string {
  return deriveKey(secret, 'key id').toString('hex', 0, 4)
}

function deriveKeys(secret: string): Keys {
  return {
    id: keyIdOf(secret),
    code: deriveKey(secret, 'code'),
    claim: deriveKey(secret, 'claim'),
    ticket: deriveKey(secret, 'ticket'),
    match: deriveKey(secret, 'match'),
    session: deriveKey(secret, 'session id'),
  }
}

/** 32 bytes for one purpose. */
export function deriveKey(secret: string, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `qr-login ${label}`, 32))
}

/** HMAC-SHA256, cut to `bytes`. */
export function mac(key: Buffer, data: string | Buffer, bytes: number): Buffer {
  return createHmac('sha256', key).update(data).digest().subarray(0, bytes)
}

/** Constant-time; different lengths are unequal. */
export function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
