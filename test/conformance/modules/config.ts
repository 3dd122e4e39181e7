import type { JSONWebKeySet } from 'jose'
import { expect } from 'vitest'
import type { Metadata } from '../checks'
import type { Module, Run } from '../module'
import { RelyingParty } from '../relying-party'

/** Fields of a private key (RFC 7518, section 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * The suite asks for https. The providers under test listen on this machine: their endpoints must
 * have the scheme and the host of the issuer (host.test.ts has an https issuer).
 */
export function checkEndpoints({ issuer, ...metadata }: Metadata): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (name.endsWith('_endpoint') || name === 'jwks_uri')
      expect(new URL(String(value)).origin).toBe(new URL(issuer).origin)
  }
}

async function verifyDiscovery({ target, warn }: Run): Promise<void> {
  const response = await fetch(`${target.issuer}/.well-known/openid-configuration`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const metadata = (await response.json()) as Metadata
  expect(metadata.issuer).toBe(target.issuer)
  const { search, hash } = new URL(metadata.issuer)
  expect(search + hash).toBe('')
  checkEndpoints(metadata)
  for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri']) {
    expect(metadata[name]).toEqual(expect.any(String))
  }
  expect(metadata.response_types_supported).toContain('code')
  expect(metadata.subject_types_supported).toSatisfy(
    (types) => Array.isArray(types) && types.length > 0 && types.every((type) => ['public', 'pairwise'].includes(type)),
  )
  expect(metadata.id_token_signing_alg_values_supported).toContain('RS256')
  expect(metadata.grant_types_supported ?? ['authorization_code']).toContain('authorization_code')
  expect(metadata.claims_supported).toEqual(expect.arrayContaining(['sub']))
  expect(metadata.scopes_supported).toContain('openid')
  for (const scope of metadata.scopes_supported as string[]) expect(scope).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
  expect(metadata.code_challenge_methods_supported).toContain('S256')
  for (const name of ['claims_parameter_supported', 'request_parameter_supported']) {
    expect([true, false]).toContain(metadata[name] ?? false)
  }
  // The default of a missing one is true.
  expect(metadata.request_uri_parameter_supported).toBe(false)
  if (metadata.registration_endpoint !== undefined) warn('clients may register themselves')
  const keys = (await (await fetch(metadata.jwks_uri)).json()) as JSONWebKeySet
  expect(keys.keys.length).toBeGreaterThan(0)
  for (const key of keys.keys) {
    expect({ kid: key.kid, use: key.use }).toEqual({ kid: expect.any(String), use: 'sig' })
    expect(Object.keys(key).filter((field) => PRIVATE.includes(field))).toEqual([])
  }
  expect(keys.keys.map(({ kty }) => kty)).toContain('RSA')
}

/** RP-Initiated Logout 1.0, section 2.1. */
async function verifyEndSession({ target }: Run): Promise<void> {
  const { metadata } = await RelyingParty.discover(target)
  checkEndpoints(metadata)
  expect(metadata.end_session_endpoint).toEqual(expect.any(String))
}

/** Back-Channel Logout 1.0, section 2.1. */
async function verifyBackChannel(run: Run): Promise<void> {
  await verifyEndSession(run)
  const { metadata } = await RelyingParty.discover(run.target)
  expect(metadata.backchannel_logout_supported).toBe(true)
  expect(metadata.backchannel_logout_session_supported).toBe(true)
}

export const CONFIG_MODULES: readonly Module[] = [
  { plan: 'Config OP', name: 'oidcc-discovery-endpoint-verification', run: verifyDiscovery },
  {
    plan: 'RP-Initiated Logout OP',
    name: 'oidcc-rp-initiated-logout-discovery-endpoint-verification',
    run: verifyEndSession,
  },
  {
    plan: 'Back-Channel Logout OP',
    name: 'oidcc-backchannel-logout-discovery-endpoint-verification',
    run: verifyBackChannel,
  },
]
