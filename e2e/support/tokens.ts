import { createHash, createHmac, randomBytes } from 'node:crypto'

/** Signs the bearer tokens. */
export const JWT_SECRET = 'the secret that the accounts share with the sign-in'
/** Signs the requests of native apps. */
export const SIGNING_SECRET = 'the secret that native apps sign requests with'
export const ISSUER = 'https://accounts.example.com'
export const AUDIENCE = 'https://login.example.com'

export const BEARER_SETTINGS = {
  PHONE_JWT_SECRET: JWT_SECRET,
  PHONE_JWT_ISSUER: ISSUER,
  PHONE_JWT_AUDIENCE: AUDIENCE,
}

/** A valid bearer token for the person `sub`. */
export function tokenOf(sub: string, more: Record<string, unknown> = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 600
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: ISSUER, aud: AUDIENCE, sub, name: 'Mei Tan', exp, ...more }
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`
}

/** The signature headers of a request. */
export function signatureOf(method: string, path: string, body = ''): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = randomBytes(16).toString('hex')
  const signed = [method, path, timestamp, nonce, createHash('sha256').update(body).digest('hex')].join('\n')
  const signature = createHmac('sha256', SIGNING_SECRET).update(signed).digest('hex')
  return { 'X-Timestamp': timestamp, 'X-Nonce': nonce, 'X-Signature': signature }
}
