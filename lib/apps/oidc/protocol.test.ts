import * as oidc from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { CLIENT_SECRET, clientOf, OidcApp } from '../../../test/support/oidc-app'
import { openWithPhone, signedInPhone, UserAgent } from '../../../test/support/user-agent'

let server: AppServer
/** Of the first party; chat is not. */
let wiki: OidcApp
let chat: OidcApp
let phone: UserAgent
let computer: UserAgent
beforeAll(async () => {
  const clients = [
    clientOf('wiki', { first_party: true }),
    clientOf('chat'),
    { ...clientOf('cli'), client_secret: undefined, token_endpoint_auth_method: 'none' },
  ]
  server = await AppServer.start({ clients })
  wiki = await OidcApp.discover(server, 'wiki')
  chat = await OidcApp.discover(server, 'chat')
  phone = await signedInPhone(server.origin)
})
afterAll(() => server.stop())
beforeEach(() => {
  computer = new UserAgent()
})

const OFFLINE = { scope: 'openid offline_access', prompt: 'consent' }

/** A request with a form, as a client with the secret; `null`: as the public client. */
async function post(path: string, client: string | null, fields: Record<string, string>) {
  const headers = client === null ? {} : { Authorization: `Basic ${btoa(`${client}:${CLIENT_SECRET}`)}` }
  const body = new URLSearchParams({ ...fields, ...(client === null ? { client_id: 'cli' } : {}) })
  const response = await fetch(`${server.issuer}${path}`, { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, json: text === '' ? null : JSON.parse(text) }
}

describe('introspection', () => {
  test('tells an app about its own tokens only', async () => {
    const { access_token, refresh_token = '' } = (await wiki.signIn(computer, phone, OFFLINE)).tokens
    for (const token of [access_token, refresh_token]) {
      const own = await post('/token/introspection', 'wiki', { token })
      expect(own).toMatchObject({ status: 200, json: { active: true, client_id: 'wiki', sub: 'ada' } })
      expect(await post('/token/introspection', 'chat', { token })).toEqual({ status: 200, json: { active: false } })
    }
  })

  test('tells a client without a secret nothing, not even about its own tokens', async () => {
    const redirectUri = 'https://cli.example.com/callback'
    const { url: wikis, verifier } = await wiki.begin()
    const url = new URL(wikis)
    url.searchParams.set('client_id', 'cli')
    url.searchParams.set('redirect_uri', redirectUri)
    const ended = await openWithPhone(computer, phone, url.href, (at) => at.startsWith(redirectUri))
    const code = new URL(ended.url).searchParams.get('code') ?? ''
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
    const own: string = (await post('/token', null, fields)).json.access_token
    expect(own).toEqual(expect.any(String))
    const other = (await wiki.signIn(computer, phone)).tokens.access_token
    for (const token of [own, other])
      expect(await post('/token/introspection', null, { token })).toEqual({ status: 200, json: { active: false } })
  })
})

describe('revocation', () => {
  test('of a refresh token ends it, and every token of its grant', async () => {
    const { access_token, refresh_token: token = '' } = (await wiki.signIn(computer, phone, OFFLINE)).tokens
    expect(await wiki.isActive(access_token)).toBe(true)
    expect((await post('/token/revocation', 'wiki', { token })).status).toBe(200)
    expect(await wiki.tryRefresh(token)).toEqual({ status: 400, error: 'invalid_grant' })
    expect(await wiki.isActive(access_token)).toBe(false)
  })

  test("of another app's token ends nothing", async () => {
    const { access_token, refresh_token: token = '' } = (await wiki.signIn(computer, phone, OFFLINE)).tokens
    const refused = await post('/token/revocation', 'chat', { token })
    expect(refused).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
    expect(await wiki.isActive(access_token)).toBe(true)
    expect(await wiki.tryRefresh(token)).toBeNull()
  })
})

describe('response_mode', () => {
  const open = async (mode: string) => {
    await wiki.signIn(computer, phone)
    const { url, verifier } = await wiki.begin({ response_mode: mode })
    return { ...(await computer.open(url, (at) => at.startsWith(wiki.redirectUri))), verifier }
  }

  test('form_post is an error at the redirect URI', async () => {
    const { url } = await open('form_post')
    const { origin, pathname, searchParams } = new URL(url)
    expect(origin + pathname).toBe(wiki.redirectUri)
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'unsupported_response_mode', state: 'state' })
    expect(searchParams.has('code')).toBe(false)
  })

  test('fragment has the code in the fragment', async () => {
    const { url, verifier } = await open('fragment')
    const { search, hash, origin, pathname } = new URL(url)
    expect(search).toBe('')
    const callback = new URL(`${origin}${pathname}?${hash.slice(1)}`)
    const checks = { pkceCodeVerifier: verifier, expectedState: 'state', idTokenExpected: true }
    expect((await oidc.authorizationCodeGrant(wiki.config, callback, checks)).claims()?.sub).toBe('ada')
  })
})

describe('prompt=consent', () => {
  test('asks a person who has agreed already, if the app is of a third party', async () => {
    await chat.signIn(computer, phone)
    expect((await chat.signIn(computer, phone)).signIn).toBeNull()
    const { signIn } = await chat.signIn(computer, phone, { prompt: 'consent' })
    expect(signIn?.review.app?.scopes).toEqual(['openid', 'profile', 'email', 'groups'])
  })

  test('asks nothing for an app of the first party', async () => {
    await wiki.signIn(computer, phone)
    expect((await wiki.signIn(computer, phone, { prompt: 'consent' })).signIn).toBeNull()
  })
})
