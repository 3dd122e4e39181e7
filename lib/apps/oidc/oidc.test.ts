import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { openWithPhone, signedInPhone, UserAgent } from '../../../test/support/user-agent'

const SECRET = 'a-secret-of-a-test-that-is-long-enough'
const REDIRECT = 'https://wiki.example.com/callback'
const WIKI = {
  client_id: 'wiki',
  client_secret: SECRET,
  client_name: 'Wiki',
  redirect_uris: [REDIRECT],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
}

let server: AppServer
let config: oidc.Configuration
let phone: UserAgent
beforeAll(async () => {
  server = await AppServer.start({ clients: [WIKI] })
  config = await oidc.discovery(new URL(server.issuer), 'wiki', SECRET, undefined, {
    execute: [oidc.allowInsecureRequests],
  })
  phone = await signedInPhone(server.origin)
})
afterAll(() => server.stop())

const isCallback = (url: string) => url.startsWith(REDIRECT)

test('a person signs in to an app with the phone', async () => {
  const computer = new UserAgent()
  const verifier = oidc.randomPKCECodeVerifier()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'openid profile email groups offline_access',
    prompt: 'consent',
    state: 'state',
    nonce: 'nonce',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const { url: callback, signIn } = await openWithPhone(computer, phone, url.href, isCallback)
  expect(signIn?.review.app).toEqual({ name: 'Wiki', logoUrl: null, host: 'wiki.example.com', scopes: null })
  const tokens = await oidc.authorizationCodeGrant(config, new URL(callback), {
    pkceCodeVerifier: verifier,
    expectedState: 'state',
    expectedNonce: 'nonce',
    idTokenExpected: true,
  })
  const person = {
    sub: 'ada',
    name: 'Ada Byron',
    picture: `${server.origin}/avatars/ada.svg`,
    preferred_username: 'ada',
    email: 'ada@example.com',
    email_verified: true,
    groups: ['admins'],
  }
  expect(tokens.claims()).toMatchObject({ ...person, amr: ['mca', 'user'], auth_time: expect.any(Number) })
  expect(await oidc.fetchUserInfo(config, tokens.access_token, 'ada')).toEqual(person)
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(await oidc.fetchUserInfo(config, refreshed.access_token, 'ada')).toEqual(person)
})
