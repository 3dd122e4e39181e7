import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppServer } from '../support/app-server'
import { clientOf, OidcApp, type Tokens } from '../support/oidc-app'
import { signedInPhone, UserAgent } from '../support/user-agent'

const CALLBACK = 'https://wiki.example.com/callback'
const SIGNED_OUT = 'https://wiki.example.com/'

/** A public client on the person's device: its loopback address may have any port. */
const TOOL = {
  client_id: 'tool',
  client_name: 'Tool',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://127.0.0.1/callback', 'com.example.tool:/callback'],
  first_party: true,
}

let server: AppServer
/** Signed in: an address that is taken would be redirected to at once, with a code. */
let computer: UserAgent
let tokens: Tokens
beforeAll(async () => {
  server = await AppServer.start({ clients: [clientOf('wiki', { first_party: true }), TOOL] })
  computer = new UserAgent()
  const app = await OidcApp.discover(server, 'wiki')
  tokens = (await app.signIn(computer, await signedInPhone(server.origin))).tokens
}, 60_000)
afterAll(() => server.stop())

/** An address that looks like `at`, and is another one. */
const lookalikes = (at: string): string[] => {
  const { host, pathname } = new URL(at)
  const path = pathname === '/' ? '' : pathname
  return [
    // Another host.
    `https://evil.example${pathname}`,
    `https://${host}.evil.example${pathname}`,
    `https://evil-${host}${pathname}`,
    `https://sub.${host}${pathname}`,
    `https://${host.replace('wiki.', '')}${pathname}`,
    `https://${host}@evil.example${pathname}`,
    `https://${host}:password@evil.example${pathname}`,
    `https://evil.example@${host}${pathname}`,
    `https://${host}\\@evil.example${pathname}`,
    `https://evil.example\\@${host}${pathname}`,
    `https://evil.example#@${host}${pathname}`,
    `https://evil.example?@${host}${pathname}`,
    `https://evil.example/${at}`,
    `https://${host}%2eevil.example${pathname}`,
    `https://${host}%00.evil.example${pathname}`,
    `https://wiki。example。com${pathname}`,
    `https://wіki.example.com${pathname}`,
    `https://ｗｉｋｉ.example.com${pathname}`,
    `https://${host}.${pathname}`,
    `//${host}${pathname}`,
    `//evil.example${pathname}`,
    `///evil.example${pathname}`,
    `/\\evil.example${pathname}`,
    `\\\\evil.example${pathname}`,
    // Another scheme or port.
    `http://${host}${pathname}`,
    `HTTPS://${host}${pathname}`,
    `https:${host}${pathname}`,
    `https:/${host}${pathname}`,
    `https:///${host}${pathname}`,
    `https://${host}:443${pathname}`,
    `https://${host}:8443${pathname}`,
    'javascript:alert(1)//https://wiki.example.com/callback',
    'data:text/html,<script>alert(1)</script>',
    // Another path, query or fragment.
    `${at}/`,
    `${at}x`,
    `${at}/../evil`,
    `https://${host}/evil/..${pathname}`,
    `https://${host}/.${pathname}`,
    `https://${host}/%2e%2e${pathname}`,
    `https://${host}/${path.slice(1).replace('c', '%63')}%2f`,
    `https://${host}//${path.slice(1)}`,
    `https://${host}${pathname.toUpperCase()}#`,
    `${at};evil`,
    `${at}?next=https://evil.example`,
    `${at}#`,
    `${at}#@evil.example`,
    `${at}%0d%0aLocation:%20https://evil.example`,
    `${at}\r\nLocation: https://evil.example`,
    ` ${at}`,
    `${at} `,
    `\t${at}`,
    `${at}\u0000`,
    `${at},https://evil.example`,
    `${at} https://evil.example`,
    '*',
    '',
    'null',
  ]
}

/** A request that must not lead anywhere. */
async function expectRefusal(url: string, init: RequestInit = {}): Promise<void> {
  const response = await computer.fetch(url, { ...init, headers: { Accept: 'text/html' } })
  const body = await response.text()
  expect(response.status).toBe(400)
  expect(response.headers.get('location')).toBeNull()
  expect(response.headers.get('refresh')).toBeNull()
  expect(body).not.toMatch(/http-equiv|<script|evil|href="(?!\/)|action="/)
}

const authorizationUrl = (...uris: string[]) => {
  const query = new URLSearchParams({ client_id: 'wiki', response_type: 'code', scope: 'openid', state: 'state' })
  for (const uri of uris) query.append('redirect_uri', uri)
  return `${server.origin}/oidc/auth?${query}`
}

describe('redirect_uri', () => {
  test('the registered one is redirected to', async () => {
    const response = await computer.fetch(authorizationUrl(CALLBACK))
    expect(response.headers.get('location')).toMatch(/^https:\/\/wiki\.example\.com\/callback\?code=/)
  })

  test.each(lookalikes(CALLBACK))('%j is none', async (uri) => {
    await expectRefusal(authorizationUrl(uri))
  })

  test('repeated, missing, or with an error of another parameter, it is none', async () => {
    await expectRefusal(authorizationUrl(CALLBACK, 'https://evil.example/'))
    await expectRefusal(authorizationUrl('https://evil.example/', CALLBACK))
    await expectRefusal(authorizationUrl())
    for (const wrong of [
      '&response_type=none',
      '&prompt=none',
      '&scope=',
      '&response_mode=fragment',
      '&prompt=none+login',
    ]) {
      await expectRefusal(`${authorizationUrl('https://evil.example/')}${wrong}`)
    }
    await expectRefusal(`${authorizationUrl('https://evil.example/').replace('=wiki', '=unknown')}`)
  })

  test('the loopback address of a device may have any port, and nothing else', async () => {
    const urlOf = (uri: string) =>
      `${server.origin}/oidc/auth?${new URLSearchParams({
        client_id: 'tool',
        response_type: 'code',
        redirect_uri: uri,
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      })}`
    const response = await computer.fetch(urlOf('http://127.0.0.1:43210/callback'))
    expect(response.status).toBe(303)
    for (const uri of [
      'http://127.0.0.1:43210/evil',
      'http://127.0.0.1.evil.example/callback',
      'http://127.0.0.1@evil.example/callback',
      'http://127.0.0.1:80@evil.example/callback',
      'http://localhost:43210/callback',
      'http://[::1]:43210/callback',
      'http://127.1:43210/callback',
      'http://2130706433/callback',
      'http://10.0.0.1:43210/callback',
      'https://127.0.0.1:43210/callback',
      'http://127.0.0.1:99999/callback',
      'com.example.tool:/evil',
      'com.example.tool://evil.example/callback',
      'com.example.evil:/callback',
    ]) {
      await expectRefusal(urlOf(uri))
    }
  })
})

describe('post_logout_redirect_uri', () => {
  const signOutUrl = (more: Record<string, string>, ...uris: string[]) => {
    const query = new URLSearchParams({ state: 'state', ...more })
    for (const uri of uris) query.append('post_logout_redirect_uri', uri)
    return `${server.origin}/oidc/session/end?${query}`
  }

  test.each(lookalikes(SIGNED_OUT).filter((uri) => uri !== ''))('%j is none', async (uri) => {
    await expectRefusal(signOutUrl({ id_token_hint: tokens.id_token ?? '' }, uri))
    await expectRefusal(signOutUrl({ client_id: 'wiki' }, uri))
  })

  test('repeated it is none', async () => {
    await expectRefusal(signOutUrl({ client_id: 'wiki' }, SIGNED_OUT, 'https://evil.example/'))
  })

  test('without a client the question leads nowhere', async () => {
    const response = await computer.fetch(signOutUrl({}, 'https://evil.example/'), { headers: { Accept: 'text/html' } })
    expect(response.status).toBe(200)
    expect(await response.text()).not.toContain('evil')
    expect(response.headers.get('content-security-policy')).not.toContain('evil')
  })

  test('a question that another page has made is none', async () => {
    const data = { sessionId: 'x', clientId: null, next: 'https://evil.example/' }
    const question = `${Buffer.from(JSON.stringify(data)).toString('base64url')}.${'A'.repeat(27)}`
    const response = await computer.fetch(`${server.origin}/oidc/session/end/confirm`, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin' },
      body: new URLSearchParams({ question }),
    })
    expect({ status: response.status, location: response.headers.get('location') }).toEqual({
      status: 400,
      location: null,
    })
  })
})
