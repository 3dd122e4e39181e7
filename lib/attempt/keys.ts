import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** One key per purpose, so that no token can be taken for another. */
export interface Keys {
  code: Buffer
  claim: Buffer
  ticket: Buffer
  match: Buffer
  session: Buffer
}

/** The keys of every accepted secret, newest first: the first makes, all check. */
export type Keyring = readonly [Keys, ...Keys[]]

/** Derives the keys of each secret by HKDF (RFC 5869), one label per purpose. Secrets: at least 32 characters, newest first. */
export function deriveKeyring(secrets: readonly [string, ...string[]]): Keyring {
  const [newest, ...older] = secrets
  return [deriveKeys(newest), ...older.map(deriveKeys)]
}

function deriveKeys(secret: string): Keys {
  return {
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
