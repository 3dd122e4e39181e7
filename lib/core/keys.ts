import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** One key per purpose, so that no token is valid as another kind of token. */
export interface Keys {
  /**
   * Identifies the secret of these keys in records, rate-limit keys and log hashes: 8 hex digits,
   * derived by HKDF, so that they reveal nothing about the secret.
   */
  id: string
  code: Buffer
  claim: Buffer
  ticket: Buffer
  match: Buffer
  session: Buffer
  challenge: Buffer
  app: Buffer
}

/**
 * The keys of every accepted secret: the first signs, all verify. A rotation has the steps `old`,
 * `old,new`, `new,old`, `new`, so that every process knows the secret of every token that it
 * receives.
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

/** The keys with this id. The first keys if `id` is undefined or its secret is withdrawn. */
export function keysNamed(keys: Keyring, id: string | undefined): Keys {
  return keys.find((each) => each.id === id) ?? keys[0]
}

/**
 * The first hex digit of the id, which tokens contain. Two secrets may have the same digit: then
 * both are tried.
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
    challenge: deriveKey(secret, 'challenge'),
    app: deriveKey(secret, 'app'),
  }
}

/** 32 bytes for one purpose. */
export function deriveKey(secret: string, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `qr-login ${label}`, 32))
}

/** HMAC-SHA256, truncated to `bytes`. */
export function mac(key: Buffer, data: string | Buffer, bytes: number): Buffer {
  return createHmac('sha256', key).update(data).digest().subarray(0, bytes)
}

/** Compares in constant time. Buffers of different lengths are not equal. */
export function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
