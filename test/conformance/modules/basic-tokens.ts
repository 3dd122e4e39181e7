import { setTimeout as pause } from 'node:timers/promises'
import { decodeProtectedHeader } from 'jose'
import { expect } from 'vitest'
import { CLAIMS_OF, checkInvalidGrant, checkUserinfo } from '../checks'
import type { Module, Run } from '../module'
import { type Parameters, RelyingParty } from '../relying-party'
import { POST, SECOND } from '../target'

/** The claims that an ID token may have without a scope for them. */
const ID_TOKEN_CLAIMS = 'iss sub aud exp iat auth_time nonce acr amr azp at_hash c_hash nbf jti sid s_hash'.split(' ')

async function server({ target, browser, warn }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const { claims } = await party.signIn(browser)
  const more = Object.keys(claims).filter((name) => !ID_TOKEN_CLAIMS.includes(name))
  if (more.length > 0) warn(`the ID token has claims that were not asked for: ${more.join(', ')}`)
}

async function serverClientSecretPost({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target, POST)
  expect(party.metadata.token_endpoint_auth_methods_supported).toContain('client_secret_post')
  await party.signIn(browser)
}

/** Clients are listed in a file: the default algorithm is that of every other module, too. */
async function idTokenSignature({ target, browser }: Run): Promise<void> {
  const { idToken } = await (await RelyingParty.discover(target)).signIn(browser)
  expect(decodeProtectedHeader(idToken)).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
}

async function idTokenUnsigned({ target, skip }: Run): Promise<void> {
  const { metadata } = await RelyingParty.discover(target)
  expect(metadata.id_token_signing_alg_values_supported).not.toContain('none')
  skip('ID tokens are always signed, and discovery says so')
}

async function readUserinfo(response: Response): Promise<Record<string, unknown>> {
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  return (await response.json()) as Record<string, unknown>
}

function userinfo(call: (party: RelyingParty, token: string) => Promise<Response>): (run: Run) => Promise<void> {
  return async ({ target, browser }) => {
    const party = await RelyingParty.discover(target)
    const { access, claims } = await party.signIn(browser)
    checkUserinfo(await readUserinfo(await call(party, access)), claims.sub)
  }
}

function userinfoPostBody({ metadata }: RelyingParty, token: string): Promise<Response> {
  return fetch(metadata.userinfo_endpoint, { method: 'POST', body: new URLSearchParams({ access_token: token }) })
}

/** Requests scopes, and expects all of their claims at userinfo that the provider lists. */
function scope(scopes: readonly string[], isReversed = false): (run: Run) => Promise<void> {
  return async ({ target, browser, skip }) => {
    const party = await RelyingParty.discover(target)
    const supported = party.metadata.scopes_supported as string[]
    const missing = scopes.filter((each) => !supported.includes(each))
    if (missing.length > 0) skip(`scopes_supported has no ${missing.join(', ')}: people have no such claims`)
    const all = ['openid', ...scopes]
    const { access, claims } = await (isReversed
      ? signInReversed(party, browser, all)
      : party.signIn(browser, { scope: all.join(' ') }))
    const found = await readUserinfo(await party.callUserinfo(access))
    checkUserinfo(found, claims.sub)
    const listed = party.metadata.claims_supported as string[]
    const due = scopes.flatMap((each) => CLAIMS_OF[each] ?? []).filter((claim) => listed.includes(claim))
    expect(due.length).toBeGreaterThan(0)
    expect(Object.keys(found)).toEqual(expect.arrayContaining(due))
  }
}

/** The order of scopes and of parameters says nothing (RFC 6749, section 3.3). */
async function signInReversed(party: RelyingParty, browser: Run['browser'], scopes: readonly string[]) {
  const request = party.toRequest({ scope: scopes.toReversed().join(' ') })
  const reordered = new URLSearchParams([...request].toReversed())
  const landing = await browser.authorize(party.toUrl(reordered))
  const { code, nonce } = party.readCode(landing, party.metadata.issuer, request)
  return await party.readTokens(await party.exchange(code), nonce)
}

async function claimsEssential({ target, browser, warn }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const claims = JSON.stringify({ userinfo: { name: { essential: true } } })
  const { access, claims: idClaims } = await party.signIn(browser, { claims })
  const found = await readUserinfo(await party.callUserinfo(access))
  checkUserinfo(found, idClaims.sub)
  expect(idClaims.name).toBeUndefined()
  if (found.name === undefined) {
    expect(party.metadata.claims_parameter_supported).toBe(false)
    warn('the claims parameter is ignored, and discovery says so; the scope profile gives the name')
  }
}

async function codeReuse({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const { code, nonce } = await party.authorize(browser)
  await party.readTokens(await party.exchange(code), nonce)
  checkInvalidGrant(await party.exchange(code))
}

/**
 * The suite waits 30 s. Ours ends the tokens of a code that is used again later than 10 s after its
 * exchange, so the wait of this module is just that.
 */
const REUSE_MS = 10_100

async function codeReuseLater({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const { code, nonce } = await party.authorize(browser)
  const { access } = await party.readTokens(await party.exchange(code), nonce)
  await pause(REUSE_MS)
  expect((await party.callUserinfo(access)).status).toBe(200)
  checkInvalidGrant(await party.exchange(code))
  const { status } = await party.callUserinfo(access)
  expect(status).toBe(401)
}

/** OpenID Connect Core 1.0, section 12. */
async function refreshToken({ target, browser }: Run): Promise<void> {
  const offline: Parameters = { scope: 'openid offline_access', prompt: 'consent' }
  const [first, second] = [await RelyingParty.discover(target), await RelyingParty.discover(target, SECOND)]
  expect(first.metadata.grant_types_supported).toContain('refresh_token')
  const tokens = await first.signIn(browser, offline)
  expect(tokens.refresh).toMatch(/^[\x20-\x7e]{20,}$/)
  // An ID token has its time in seconds.
  await pause(1_000)
  const refreshed = await first.refresh(tokens.refresh ?? '', { scope: 'openid offline_access' })
  const renewed = await first.readTokens(
    refreshed,
    tokens.claims.nonce === undefined ? null : String(tokens.claims.nonce),
  )
  expect(renewed.access).not.toBe(tokens.access)
  for (const name of ['iss', 'sub', 'aud', 'auth_time', 'azp'])
    expect(renewed.claims[name]).toEqual(tokens.claims[name])
  expect(renewed.claims.iat).not.toBe(tokens.claims.iat)
  expect((await first.callUserinfo(renewed.access)).status).toBe(200)
  // A refresh token belongs to its client.
  const others = await second.signIn(browser, offline)
  checkInvalidGrant(await first.refresh(others.refresh ?? ''))
}

export const TOKEN_MODULES: readonly Module[] = Object.entries({
  'oidcc-server': server,
  'oidcc-idtoken-signature': idTokenSignature,
  'oidcc-idtoken-unsigned': idTokenUnsigned,
  'oidcc-userinfo-get': userinfo((party, token) => party.callUserinfo(token)),
  'oidcc-userinfo-post-header': userinfo((party, token) => party.callUserinfo(token, 'POST')),
  'oidcc-userinfo-post-body': userinfo(userinfoPostBody),
  'oidcc-scope-profile': scope(['profile']),
  'oidcc-scope-email': scope(['email']),
  'oidcc-scope-address': scope(['address']),
  'oidcc-scope-phone': scope(['phone']),
  'oidcc-scope-all': scope(['email', 'phone', 'address', 'profile']),
  'oidcc-alternate-happy-flow': scope(['email'], true),
  'oidcc-codereuse': codeReuse,
  'oidcc-codereuse-30seconds': codeReuseLater,
  'oidcc-server-client-secret-post': serverClientSecretPost,
  'oidcc-claims-essential': claimsEssential,
  'oidcc-refresh-token': refreshToken,
}).map(([name, run]) => ({ plan: 'Basic OP', name, run }))
