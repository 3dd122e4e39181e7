import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { expect } from 'vitest'

/** Provider metadata (OpenID Connect Discovery 1.0, section 3). */
export interface Metadata {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  jwks_uri: string
  end_session_endpoint: string
  [name: string]: unknown
}

export interface TokenResponse {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

/** What the authorization endpoint has sent to the client (RFC 6749, section 4.1.2). */
export function parseCallback(url: string, callback: string, issuer: string, state: string | null): URLSearchParams {
  expect(`${new URL(url).origin}${new URL(url).pathname}`).toBe(callback)
  expect(new URL(url).hash).toBe('')
  const { searchParams } = new URL(url)
  expect(searchParams.getAll('state')).toEqual(state === null ? [] : [state])
  // RFC 9207, section 2.
  expect(searchParams.getAll('iss')).toEqual([issuer])
  return searchParams
}

/** A code that cannot be guessed (RFC 6749, section 10.10). */
export function checkCode(params: URLSearchParams): string {
  expect([...params.keys()].sort()).toEqual(['code', 'iss', 'state'])
  const code = params.get('code') ?? ''
  expect(shannonBits(code)).toBeGreaterThan(96)
  return code
}

function shannonBits(text: string): number {
  const counts = new Map<string, number>()
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  const shares = [...counts.values()].map((count) => count / text.length)
  return -text.length * shares.reduce((sum, share) => sum + share * Math.log2(share), 0)
}

/** An error at the redirect URI (RFC 6749, section 4.1.2.1). */
export function checkError(params: URLSearchParams, allowed: readonly string[]): void {
  expect(params.has('code')).toBe(false)
  expect(allowed).toContain(params.get('error'))
  expect([...params.keys()].filter((key) => !ERROR_FIELDS.includes(key))).toEqual([])
  expect(params.get('error_description') ?? '').toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
}

const ERROR_FIELDS = ['state', 'iss', 'error', 'error_description', 'error_uri']

/** The errors that say that a person would have to be asked (OpenID Connect Core 1.0, 3.1.2.6). */
export const NEEDS_PERSON = ['interaction_required', 'login_required', 'account_selection_required', 'consent_required']

/**
 * A successful token response (RFC 6749, section 5.1). Returns the access token and the ID token.
 */
export function checkTokens({ status, headers, body }: TokenResponse): { access: string; id: string } {
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined })
  expect(headers.get('content-type')).toMatch(/^application\/json/)
  expect(headers.get('cache-control')).toContain('no-store')
  expect(String(body.token_type).toLowerCase()).toBe('bearer')
  expect(body.expires_in).toEqual(expect.any(Number))
  expect(body.expires_in).toBeGreaterThan(0)
  const access = String(body.access_token)
  expect(access).toMatch(/^[\x21-\x7e]{20,}$/)
  return { access, id: String(body.id_token) }
}

/** A refusal of the token endpoint (RFC 6749, section 5.2). */
export function checkInvalidGrant({ status, headers, body }: TokenResponse): void {
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' })
  expect(headers.get('content-type')).toMatch(/^application\/json/)
}

export interface IdTokenChecks {
  keys: JSONWebKeySet
  issuer: string
  clientId: string
  /** Null: none was sent. */
  nonce: string | null
  accessToken: string
}

/** OpenID Connect Core 1.0, sections 2 and 3.1.3.7. */
export async function checkIdToken(token: string, checks: IdTokenChecks): Promise<JWTPayload> {
  const { keys, issuer, clientId, nonce, accessToken } = checks
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), { issuer, audience: clientId })
  expect(decodeProtectedHeader(token).kid).toEqual(expect.any(String))
  expect(protectedHeader.alg).toBe('RS256')
  expect(payload.aud).toSatisfy((aud) => aud === clientId || (Array.isArray(aud) && aud.includes(clientId)))
  expect(payload.nonce ?? null).toBe(nonce)
  expect(payload.sub).toMatch(/^[\x20-\x7e]{1,255}$/)
  const nowS = Date.now() / 1000
  expect(Math.abs(nowS - Number(payload.iat))).toBeLessThan(300)
  expect(Number(payload.exp)).toBeGreaterThan(nowS)
  expect(Number(payload.exp)).toBeLessThan(nowS + 50 * 365 * 86_400)
  if (payload.auth_time !== undefined) expect(Number(payload.auth_time)).toBeLessThanOrEqual(nowS)
  expect(payload.acr).not.toBe('')
  if (payload.at_hash !== undefined) {
    const half = createHash('sha256').update(accessToken).digest().subarray(0, 16)
    expect(payload.at_hash).toBe(half.toString('base64url'))
  }
  return payload
}

/** The standard claims that each scope asks for (OpenID Connect Core 1.0, section 5.4). */
export const CLAIMS_OF: Readonly<Record<string, readonly string[]>> = {
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

const TYPES: Readonly<Record<string, string>> = {
  email_verified: 'boolean',
  phone_number_verified: 'boolean',
  address: 'object',
  updated_at: 'number',
}

/** The claims of a UserInfo response and their types (OpenID Connect Core 1.0, 5.1 and 5.3.2). */
export function checkUserinfo(claims: Record<string, unknown>, sub: unknown): void {
  expect(claims.sub).toBe(sub)
  for (const name of Object.values(CLAIMS_OF).flat()) {
    if (claims[name] !== undefined) expect({ [name]: typeof claims[name] }).toEqual({ [name]: TYPES[name] ?? 'string' })
  }
}
