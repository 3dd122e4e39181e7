import fc from 'fast-check'
import Provider, { type Adapter, type ClientMetadata } from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import { type Client, parseClients, toMetadata } from './clients'

const SECRET = 'a-secret-of-a-test-that-is-long-enough'
const WIKI = {
  client_id: 'wiki',
  client_secret: SECRET,
  client_name: 'Wiki',
  redirect_uris: ['https://wiki.example.com/callback'],
}
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const PUBLIC = { ...WIKI, client_secret: undefined, token_endpoint_auth_method: 'none' }

function parseOne(entry: object): Client {
  const [client] = parseClients(JSON.stringify([entry]))
  if (client === undefined) throw new Error('no client')
  return client
}

function isTaken(entry: object): boolean {
  try {
    return parseClients(JSON.stringify([entry])).length === 1
  } catch {
    return false
  }
}

describe('the metadata for oidc-provider', () => {
  const keys = Promise.all([newKey('RS256'), newKey('ES256')])

  let registered: ClientMetadata | undefined
  const adapter = () => ({ find: async () => registered }) as unknown as Adapter
  const provider = keys.then(
    (jwks) =>
      new Provider('https://login.example.com/oidc', {
        adapter,
        features: {
          devInteractions: { enabled: false },
          deviceFlow: { enabled: true },
          backchannelLogout: { enabled: true },
        },
        scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
        jwks: { keys: jwks },
        cookies: { keys: ['a key for tests'] },
      }),
  )

  /** What a real provider knows of the client; it throws for metadata that it refuses. */
  async function register(metadata: ClientMetadata) {
    registered = metadata
    const client = await (await provider).Client.find(metadata.client_id)
    if (client === undefined) throw new Error('no client')
    return client
  }

  test('has every field of the file that oidc-provider knows, and none that it does not', async () => {
    const entry = {
      ...WIKI,
      'client_name#zh-CN': '维基',
      client_uri: 'https://wiki.example.com/',
      logo_uri: 'https://wiki.example.com/logo.png',
      initiate_login_uri: 'https://wiki.example.com/login',
      post_logout_redirect_uris: ['https://wiki.example.com/'],
      backchannel_logout_uri: 'https://wiki.example.com/logout',
      backchannel_logout_session_required: true,
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'openid email',
      grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
      id_token_signed_response_alg: 'ES256',
      first_party: true,
    }
    const metadata = toMetadata(parseOne(entry))
    const { first_party: _, 'client_name#zh-CN': _zh, ...known } = entry
    expect(metadata).toEqual({ ...known, response_types: ['code'], application_type: 'web' })
    expect((await register(metadata)).metadata()).toMatchObject(metadata)
  })

  test('a native app may use any port of a loopback address, a web app only the one in the file', async () => {
    const redirect_uris = ['http://127.0.0.1/cb', 'com.example.app:/cb']
    const native = await register(toMetadata(parseOne({ ...PUBLIC, redirect_uris })))
    expect(native.redirectUriAllowed('http://127.0.0.1:51234/cb')).toBe(true)
    const web = await register(toMetadata(parseOne({ ...WIKI, redirect_uris: ['http://127.0.0.1:3000/cb'] })))
    expect(web.redirectUriAllowed('http://127.0.0.1:3000/cb')).toBe(true)
    expect(web.redirectUriAllowed('http://127.0.0.1:51234/cb')).toBe(false)
  })

  test('a client with device codes only has no response type', async () => {
    const client = await register(toMetadata(parseOne({ ...WIKI, redirect_uris: [], grant_types: [DEVICE_CODE] })))
    expect([client.responseTypes, client.grantTypes]).toEqual([[], [DEVICE_CODE]])
  })

  const often = <T>(good: T[], bad: T[]) =>
    fc.oneof({ arbitrary: fc.constantFrom(...good), weight: 9 }, { arbitrary: fc.constantFrom(...bad), weight: 1 })
  const page = often(['https://app.example.com/', 'http://localhost:3000/'], ['http://app.example.com/', 'app:/'])
  const redirect = often(
    ['https://app.example.com/cb', 'http://127.0.0.1:3000/cb', 'http://[::1]/cb', 'com.example.app:/cb'],
    ['https://localhost:8443/cb', 'http://app.example.com/cb', 'app:/cb', 'https://app.example.com/#', 'file:///cb'],
  )
  const entry = fc.record(
    {
      client_id: often(['wiki', 'w'.repeat(128), 'a:b/c?d'], ['ü']),
      client_name: fc.constantFrom('Wiki', '维基'),
      client_secret: often([SECRET], ['short']),
      client_uri: page,
      logo_uri: often(['https://app.example.com/logo.png'], ['http://localhost/logo.png']),
      initiate_login_uri: often(['https://app.example.com/login'], ['http://localhost/login']),
      backchannel_logout_uri: often(['https://app.example.com/out', 'http://app.internal/out'], ['app:/out']),
      backchannel_logout_session_required: fc.boolean(),
      redirect_uris: fc.uniqueArray(redirect, { maxLength: 3 }),
      post_logout_redirect_uris: fc.uniqueArray(redirect, { maxLength: 2 }),
      token_endpoint_auth_method: fc.constantFrom('client_secret_basic', 'client_secret_post', 'none', 'none', 'none'),
      scope: often(['openid', 'openid profile email groups offline_access'], ['email']),
      grant_types: fc.uniqueArray(fc.constantFrom('authorization_code', 'refresh_token', DEVICE_CODE), {
        minLength: 1,
      }),
      id_token_signed_response_alg: fc.constantFrom('RS256', 'ES256'),
      first_party: fc.boolean(),
    },
    { requiredKeys: ['client_id', 'client_name', 'redirect_uris'] },
  )

  test('oidc-provider takes every client that the file may have', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(entry, async (each) => {
        if (!isTaken(each)) return
        taken += 1
        const metadata = toMetadata(parseOne(each))
        expect((await register(metadata)).metadata()).toMatchObject(metadata)
      }),
      { numRuns: 3_000 },
    )
    expect(taken).toBeGreaterThan(50)
  })
})

async function newKey(alg: 'RS256' | 'ES256') {
  const algorithm =
    alg === 'ES256'
      ? { name: 'ECDSA', namedCurve: 'P-256' }
      : { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
  const { privateKey } = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  return { ...(await crypto.subtle.exportKey('jwk', privateKey)), alg, use: 'sig' }
}
