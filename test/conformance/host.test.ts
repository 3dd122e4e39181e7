import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTarget } from '../../lib/http/target'
import { AppServer } from '../support/app-server'
import { clientOf } from '../support/oidc-app'
import { until } from '../support/until'
import type { Metadata } from './checks'
import { checkEndpoints } from './modules/config'

const PUBLIC_ORIGIN = 'https://login.example.com'
const OWN = 'login.example.com'

let server: AppServer
/** As `npm start` hands requests over. */
let prepared: Server
beforeAll(async () => {
  server = await AppServer.start({ clients: [clientOf('wiki', { first_party: true })], env: { PUBLIC_ORIGIN } })
  prepared = createServer((request, response) => {
    const { url, host } = readTarget(request.url ?? '', request.headers.host, new Set([OWN]))
    request.url = url
    if (host !== undefined) request.headers.host = host
    if (!server.qrLogin.nodeHandler(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => prepared.listen(0, '127.0.0.1', resolve))
  await until(async () => (await fetch(`${server.origin}/oidc/jwks`)).ok)
}, 60_000)
afterAll(async () => {
  await new Promise((resolve) => prepared.close(resolve))
  await server.stop()
})

interface RawResponse {
  status: number
  /** Without what differs between any two responses. */
  text: string
}

/** Sends the request byte for byte. */
function send(target: string, host: string, headers: readonly string[] = []): Promise<RawResponse> {
  const { port } = prepared.address() as AddressInfo
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers]
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    })
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => {
      const constant = text
        .replace(/^(?:Date|X-Request-Id|Set-Cookie): .*\r\n/gim, '')
        .replace(/interaction=[\w-]+/, 'interaction=x')
      resolve({ status: Number(text.split(' ')[1]), text: constant })
    })
  })
}

const query = new URLSearchParams({
  client_id: 'wiki',
  redirect_uri: 'https://wiki.example.com/callback',
  response_type: 'code',
  scope: 'openid',
  state: 'state',
})
const signOut = new URLSearchParams({
  client_id: 'wiki',
  post_logout_redirect_uri: 'https://wiki.example.com/',
  state: 'state',
})

const TARGETS: readonly [name: string, target: string, status: number, has: string][] = [
  ['the discovery document', '/oidc/.well-known/openid-configuration', 200, `"issuer":"${PUBLIC_ORIGIN}/oidc"`],
  ['the key set', '/oidc/jwks', 200, '"kid"'],
  ['the redirect to the sign-in', `/oidc/auth?${query}`, 303, 'Location: /login?interaction=x'],
  [
    'the redirect with an error',
    `/oidc/auth?${query}&prompt=none`,
    303,
    'Location: https://wiki.example.com/callback?error=login_required',
  ],
  [
    'the redirect after a sign-out',
    `/oidc/session/end?${signOut}`,
    303,
    'Location: https://wiki.example.com/?state=state',
  ],
]

/** What a proxy, or a client behind one, may send. */
const HEADERS = [
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Port: 666',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Server: evil.example',
  'Forwarded: host=evil.example;proto=http',
  'X-Original-URL: /evil',
  'X-Rewrite-URL: /evil',
  'X-Original-Host: evil.example',
  'X-HTTP-Host-Override: evil.example',
  'Origin: https://evil.example',
  'Referer: https://evil.example/',
]

test.each(TARGETS)('%s is built from PUBLIC_ORIGIN alone', async (_, target, status, has) => {
  const expected = await send(target, OWN)
  expect(expected.status).toBe(status)
  expect(expected.text.toLowerCase()).toContain(has.toLowerCase())
  const responses = await Promise.all([
    ...HEADERS.map((header) => send(target, OWN, [header])),
    send(target, OWN, HEADERS),
    send(`${PUBLIC_ORIGIN}${target}`, OWN),
    // The target counts, and not the header (RFC 9112, section 3.2.2).
    send(`${PUBLIC_ORIGIN}${target}`, 'evil.example'),
    // Hosts of a local network pass.
    ...['evil', 'evil.local', '10.6.6.6:666', '[::1]:666'].map((host) => send(target, host)),
  ])
  for (const { text } of responses) expect(text).toBe(expected.text)
  // A name on the public net is not ours.
  const refused = await Promise.all([
    ...['evil.example', 'evil.example:443', `${OWN}.evil.example`, `evil.example#${OWN}`].map((host) =>
      send(target, host),
    ),
    ...['https://evil.example', `http://${OWN}@evil.example`, `https://${OWN}.evil.example`].map((origin) =>
      send(`${origin}${target}`, OWN),
    ),
    send(`//evil.example${target}`, OWN),
    send(`/\\evil.example${target}`, OWN),
  ])
  for (const { status, text } of refused) {
    expect([400, 404]).toContain(status)
    expect(text).not.toMatch(/^Location:/im)
    expect(text).not.toContain('evil')
  }
})

test('with an https origin every endpoint is https', async () => {
  const { text } = await send('/oidc/.well-known/openid-configuration', OWN)
  const metadata = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Metadata
  checkEndpoints(metadata)
  expect(metadata.authorization_endpoint).toBe(`${PUBLIC_ORIGIN}/oidc/auth`)
})
