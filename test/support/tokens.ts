import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { type App, ORIGIN } from './app'
import { T0 } from './fixtures'
import { fromPeer } from './peer'

export const ISSUER = 'https://accounts.example.com'
export const JWT_SECRET = 'a secret that the accounts share with us'
export const SIGNING_SECRET = 'a secret that the app signs requests with'
export const BEARER_ENV = { PHONE_JWT_SECRET: JWT_SECRET, PHONE_JWT_ISSUER: ISSUER, PHONE_JWT_AUDIENCE: ORIGIN }

export const CLAIMS = {
  iss: ISSUER,
  aud: ORIGIN,
  sub: 'user-1',
  name: 'Mei Tan',
  exp: T0 / 1000 + 600,
} as const

type Json = Record<string, unknown>

export function encodePart(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** Any token, valid or not: `signer` returns the signature. */
export function toToken(header: Json, claims: unknown, signer: (signed: string) => Buffer): string {
  const signed = `${encodePart(header)}.${encodePart(claims)}`
  return `${signed}.${signer(signed).toString('base64url')}`
}

export function hmac(secret: string | Buffer, hash = 'sha256'): (signed: string) => Buffer {
  return (signed) => createHmac(hash, secret).update(signed).digest()
}

/** A valid HS256 token, except for the given claims and header fields. */
export function secretToken(claims: Json = {}, header: Json = {}): string {
  return toToken({ alg: 'HS256', typ: 'JWT', ...header }, { ...CLAIMS, ...claims }, hmac(JWT_SECRET))
}

/** A signing key of an issuer, and its entry in the key set. */
export class IssuerKey {
  readonly kid: string
  readonly publicKey: KeyObject
  readonly #privateKey: KeyObject
  readonly #alg: 'RS256' | 'ES256'

  constructor(kid: string, alg: 'RS256' | 'ES256' = 'ES256') {
    const pair =
      alg === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.kid = kid
    this.#alg = alg
    this.publicKey = pair.publicKey
    this.#privateKey = pair.privateKey
  }

  get jwk(): Json {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.#alg, use: 'sig' }
  }

  readonly sign = (signed: string): Buffer =>
    sign('sha256', Buffer.from(signed), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' })

  token(claims: Json = {}, header: Json = {}): string {
    return toToken({ alg: this.#alg, kid: this.kid, ...header }, { ...CLAIMS, ...claims }, this.sign)
  }
}

interface NativeSend {
  body?: unknown
  headers?: Record<string, string>
}

/** A native app: sends a bearer token, no cookies and no fetch metadata. */
export class NativeApp {
  readonly app: App
  token: string
  address = '203.0.113.7'
  signingSecret: string | null = null

  constructor(app: App, token = secretToken()) {
    this.app = app
    this.token = token
  }

  async send(method: string, path: string, { body, headers = {} }: NativeSend = {}): Promise<Response> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const init: RequestInit = {
      method,
      headers: fromPeer(this.address, {
        Authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(this.signingSecret === null ? {} : this.signatureOf(method, path, text)),
        ...headers,
      }),
      ...(body === undefined ? {} : { body: text }),
    }
    return await this.app.handle(new Request(ORIGIN + path, init))
  }

  signatureOf(
    method: string,
    path: string,
    body: string,
    { timestamp = String(Math.floor(this.app.now / 1000)), nonce = randomBytes(16).toString('hex') } = {},
  ): Record<string, string> {
    const hash = createHash('sha256').update(body).digest('hex')
    const signed = [method, path, timestamp, nonce, hash].join('\n')
    const signature = createHmac('sha256', this.signingSecret ?? '')
      .update(signed)
      .digest('hex')
    return { 'X-Timestamp': timestamp, 'X-Nonce': nonce, 'X-Signature': signature }
  }
}
