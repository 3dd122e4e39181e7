import { randomBytes } from 'node:crypto'
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import { expect } from 'vitest'
import { until } from '../../support/until'
import { checkError, NEEDS_PERSON } from '../checks'
import type { Module, Run } from '../module'
import { type Parameters, RelyingParty, type Tokens } from '../relying-party'
import { SIGNED_OUT, TOLD } from '../target'

/** What happens at the end-session endpoint. */
interface SignedOut {
  party: RelyingParty
  url: string
  page: { status: number; text: string } | null
  isSignedIn: boolean
  tokens: Tokens
}

/** Signs in, and out with these parameters; an `id_token_hint` of '' is the real one. */
async function signOut(
  { target, browser }: Run,
  toParameters: (tokens: Tokens) => Parameters | Promise<Parameters>,
  client?: RelyingParty['client'],
): Promise<SignedOut> {
  const party = await RelyingParty.discover(target, client)
  const tokens = await party.signIn(browser)
  const { url, page } = await browser.signOut(party.toSignOutUrl(await toParameters(tokens)))
  const params = await party.requestError(browser, { prompt: 'none' })
  const isSignedIn = params.has('code')
  if (!isSignedIn) checkError(params, NEEDS_PERSON)
  return { party, tokens, url, page, isSignedIn }
}

const newState = () => randomBytes(96).toString('base64url')

/** The browser comes back to the client, with the state and nothing else. */
function checkReturned({ url, isSignedIn }: SignedOut, state: string | null): void {
  const expected = new URL(SIGNED_OUT)
  if (state !== null) expected.searchParams.set('state', state)
  expect({ url, isSignedIn }).toEqual({ url: expected.href, isSignedIn: false })
}

async function rpInitiatedLogout(run: Run): Promise<void> {
  const state = newState()
  checkReturned(await signOut(run, ({ idToken }) => ({ id_token_hint: idToken, state })), state)
}

async function noState(run: Run): Promise<void> {
  checkReturned(await signOut(run, ({ idToken }) => ({ id_token_hint: idToken })), null)
}

/** The browser stays at the provider, which shows an error and ends nothing. */
function isRefused(toParameters: (run: Run, tokens: Tokens) => Parameters | Promise<Parameters>) {
  return async (run: Run): Promise<void> => {
    const { page, isSignedIn } = await signOut(run, async (tokens) => ({
      state: newState(),
      ...(await toParameters(run, tokens)),
    }))
    expect({ status: page?.status, isSignedIn }).toEqual({ status: 400, isSignedIn: true })
  }
}

/** The person is asked, says yes, and stays at the provider. */
function isConfirmed(toParameters: (tokens: Tokens) => Parameters): (run: Run) => Promise<void> {
  return async (run) => {
    const { page, isSignedIn, url } = await signOut(run, toParameters)
    expect(page).not.toBeNull()
    expect(new URL(url).origin).toBe(new URL(run.target.issuer).origin)
    expect(isSignedIn).toBe(false)
  }
}

function withAlgNone(idToken: string): string {
  const [header = '', payload = ''] = idToken.split('.')
  const fields = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as object
  return `${Buffer.from(JSON.stringify({ ...fields, alg: 'none' })).toString('base64url')}.${payload}.`
}

/** Signed with a key that the provider does not have. */
async function forge({ claims }: Tokens): Promise<string> {
  const key = randomBytes(32)
  return await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key)
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Back-Channel Logout 1.0, sections 2.4 and 2.5. */
async function backChannelLogout(run: Run): Promise<void> {
  const { logoutTokens } = run
  const state = newState()
  const result = await signOut(run, ({ idToken }) => ({ id_token_hint: idToken, state }), TOLD)
  checkReturned(result, state)
  await until(() => logoutTokens.length > 0, { withinMs: 5_000 })
  const { metadata, keys } = result.party
  const { payload } = await jwtVerify(logoutTokens[0] ?? '', createLocalJWKSet(keys), {
    issuer: metadata.issuer,
    audience: TOLD.client_id,
  })
  const { sub, sid } = result.tokens.claims
  expect(sid).toEqual(expect.any(String))
  expect(payload).toMatchObject({ sub, sid, jti: expect.any(String), iat: expect.any(Number) })
  expect(payload.events).toEqual({ [LOGOUT_EVENT]: {} })
  expect(payload.nonce).toBeUndefined()
  expect(logoutTokens).toHaveLength(1)
}

const HINT = ({ idToken }: Tokens): Parameters => ({ id_token_hint: idToken })

const RP_MODULES: Record<string, Module['run']> = {
  'oidcc-rp-initiated-logout': rpInitiatedLogout,
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': isRefused((_, tokens) => ({
    ...HINT(tokens),
    post_logout_redirect_uri: 'https://rp.example.com/bad_post_logout_redirect_uri',
  })),
  'oidcc-rp-initiated-logout-modified-id-token-hint': isRefused((_, { idToken }) => ({
    id_token_hint: withAlgNone(idToken),
  })),
  'oidcc-rp-initiated-logout-no-id-token-hint': isConfirmed(() => ({ state: newState() })),
  'oidcc-rp-initiated-logout-no-params': isConfirmed(() => ({ post_logout_redirect_uri: null })),
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': isConfirmed((tokens) => ({
    ...HINT(tokens),
    state: newState(),
    post_logout_redirect_uri: null,
  })),
  'oidcc-rp-initiated-logout-no-state': noState,
  'oidcc-rp-initiated-logout-only-state': isConfirmed(() => ({ state: newState(), post_logout_redirect_uri: null })),
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': isRefused((_, tokens) => ({
    ...HINT(tokens),
    post_logout_redirect_uri: `${SIGNED_OUT}?foo=bar`,
  })),
  'oidcc-rp-initiated-logout-bad-id-token-hint': isRefused(async (_, tokens) => ({
    id_token_hint: await forge(tokens),
  })),
}

export const LOGOUT_MODULES: readonly Module[] = [
  ...Object.entries(RP_MODULES).map(([name, run]) => ({ plan: 'RP-Initiated Logout OP', name, run }) as const),
  { plan: 'Back-Channel Logout OP', name: 'oidcc-backchannel-rp-initiated-logout', run: backChannelLogout },
]
