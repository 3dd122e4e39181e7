import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { checkError, NEEDS_PERSON, parseCallback } from '../checks'
import type { Module, Run } from '../module'
import { type Parameters, RelyingParty } from '../relying-party'
import { CALLBACK } from '../target'

/** A request with these parameters succeeds. */
function succeeds(parameters: Parameters): (run: Run) => Promise<void> {
  return async ({ target, browser }) => {
    const { wasAsked } = await (await RelyingParty.discover(target)).signIn(browser, parameters)
    expect(wasAsked).toBe(true)
  }
}

async function acrValues({ target, browser, warn }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const values = (party.metadata.acr_values_supported as string[] | undefined) ?? ['1', '2']
  const { claims } = await party.signIn(browser, { acr_values: values.join(' ') })
  if (!values.includes(String(claims.acr))) warn('the ID token has no acr')
}

async function postRequest({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const { code, nonce } = await party.authorize(browser, {}, true)
  await party.readTokens(await party.exchange(code), nonce)
}

async function responseTypeMissing({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const params = await party.requestError(browser, { response_type: null })
  checkError(params, ['invalid_request', 'unsupported_response_type'])
}

async function registeredRedirectUri({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const { landing } = await party.open(browser, { redirect_uri: `${CALLBACK}${randomBytes(8).toString('hex')}` })
  expect(landing.page?.status).toBe(400)
  expect(landing.page?.text).toContain('redirect_uri')
}

const EMPTY = { alg: 'none' }

/** An unsigned request object (OpenID Connect Core 1.0, section 6.1). */
function toRequestObject(request: URLSearchParams, issuer: string): string {
  const claims = { ...Object.fromEntries(request), iss: request.get('client_id'), aud: issuer }
  return `${[EMPTY, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

async function requestObject({ target, browser, skip }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const request = toRequestObject(party.toRequest(), party.metadata.issuer)
  const params = await party.requestError(browser, { request })
  checkError(params, ['request_not_supported'])
  expect(party.metadata.request_parameter_supported ?? false).toBe(false)
  skip('request objects are refused with request_not_supported, and discovery says so')
}

async function requestUri({ target, browser, skip }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const params = await party.requestError(browser, { request_uri: 'https://rp.example.com/request.jwt' })
  checkError(params, ['request_uri_not_supported'])
  expect(party.metadata.request_uri_parameter_supported).toBe(false)
  skip('request_uri is refused with request_uri_not_supported, and discovery says so')
}

/** The wrong address is outside of the request object, the right one inside. */
async function requestObjectRedirectUri({ target, browser, skip }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const request = toRequestObject(party.toRequest(), party.metadata.issuer)
  const { landing } = await party.open(browser, { request, redirect_uri: `${CALLBACK}/invalid` })
  expect(landing.page?.status).toBe(400)
  expect(party.metadata.request_parameter_supported ?? false).toBe(false)
  skip('request objects are not supported; the error is shown, and no address is called')
}

async function validPkce({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const { code, nonce } = await party.authorize(browser, { code_challenge: challenge, code_challenge_method: 'S256' })
  await party.readTokens(await party.exchange(code, { code_verifier: verifier }), nonce)
}

async function promptNoneNotLoggedIn({ target, browser }: Run): Promise<void> {
  const party = await RelyingParty.discover(target)
  // Long: it must come back whole.
  const state = randomBytes(96).toString('base64url')
  const { landing } = await party.open(browser, { prompt: 'none', state })
  expect(landing.wasAsked).toBe(false)
  checkError(parseCallback(landing.url, CALLBACK, party.metadata.issuer, state), NEEDS_PERSON)
}

/** The second request is answered from the session of the first one. */
function sameSession(first: Parameters, toSecond: (idToken: string) => Parameters): (run: Run) => Promise<void> {
  return async ({ target, browser }) => {
    const party = await RelyingParty.discover(target)
    const before = await party.signIn(browser, first)
    const after = await party.signIn(browser, toSecond(before.idToken))
    expect({ before: before.wasAsked, after: after.wasAsked }).toEqual({ before: true, after: false })
    expect(after.claims.sub).toBe(before.claims.sub)
    if ('max_age' in first) expect(before.claims.auth_time).toEqual(expect.any(Number))
    if (before.claims.auth_time !== undefined && after.claims.auth_time !== undefined) {
      expect(after.claims.auth_time).toBe(before.claims.auth_time)
    }
  }
}

/** The second request, after `waitMs`, needs a new sign-in. */
function newSignIn(second: Parameters, waitMs: number): (run: Run) => Promise<void> {
  return async ({ target, browser }) => {
    const party = await RelyingParty.discover(target)
    const before = await party.signIn(browser, { max_age: '15000' })
    await pause(waitMs)
    const after = await party.signIn(browser, second)
    expect(after.wasAsked).toBe(true)
    expect(Number(after.claims.auth_time ?? Number.POSITIVE_INFINITY)).toBeGreaterThan(Number(before.claims.auth_time))
    if ('max_age' in second) expect(Date.now() / 1000 - Number(after.claims.auth_time)).toBeLessThan(10)
  }
}

export const REQUEST_MODULES: readonly Module[] = Object.entries({
  'oidcc-response-type-missing': responseTypeMissing,
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': succeeds({ nonce: null }),
  'oidcc-display-page': succeeds({ display: 'page' }),
  'oidcc-display-popup': succeeds({ display: 'popup' }),
  // auth_time is in seconds.
  'oidcc-prompt-login': newSignIn({ prompt: 'login' }, 1_000),
  'oidcc-prompt-none-not-logged-in': promptNoneNotLoggedIn,
  'oidcc-prompt-none-logged-in': sameSession({}, () => ({ prompt: 'none' })),
  'oidcc-max-age-1': newSignIn({ max_age: '1' }, 2_000),
  'oidcc-max-age-10000': sameSession({ max_age: '15000' }, () => ({ max_age: '10000' })),
  'oidcc-ensure-request-with-unknown-parameter-succeeds': succeeds({ extra: 'foobar' }),
  'oidcc-id-token-hint': sameSession({}, (hint) => ({ prompt: 'none', id_token_hint: hint })),
  'oidcc-login-hint': succeeds({ login_hint: 'ada@example.com' }),
  'oidcc-ui-locales': succeeds({ ui_locales: 'se' }),
  'oidcc-claims-locales': succeeds({ claims_locales: 'se' }),
  'oidcc-ensure-request-with-acr-values-succeeds': acrValues,
  'oidcc-ensure-registered-redirect-uri': registeredRedirectUri,
  'oidcc-ensure-post-request-succeeds': postRequest,
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': requestUri,
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': requestObject,
  'oidcc-ensure-request-object-with-redirect-uri': requestObjectRedirectUri,
  'oidcc-ensure-request-with-valid-pkce-succeeds': validPkce,
}).map(([name, run]) => ({ plan: 'Basic OP', name, run }))
