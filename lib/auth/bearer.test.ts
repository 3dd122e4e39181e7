import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ORIGIN } from '../../test/support/app'
import { T0 } from '../../test/support/fixtures'
import {
  CLAIMS,
  encodePart,
  hmac,
  ISSUER,
  IssuerKey,
  JWT_SECRET,
  secretToken,
  toToken,
} from '../../test/support/tokens'
import { LOOPBACK } from '../http/address'
import { createOutboundFetch } from '../http/outbound'
import { BearerTokens } from './bearer'

const options = {
  issuer: ISSUER,
  audience: ORIGIN,
  now: () => T0,
  wall: () => T0,
  monotonicMs: () => T0,
  onError: () => {},
  fetch: createOutboundFetch({ allow: LOOPBACK }),
}
const NOW_S = T0 / 1000

const valid = secretToken()
const [head = '', body = '', seal = ''] = valid.split('.')

/** A key that is not in the key set of the issuer. */
const unknownKey = new IssuerKey('unknown')

describe('a token signed with the shared secret', () => {
  const tokens = new BearerTokens({ ...options, key: { secrets: [JWT_SECRET] } })

  test('identifies a person by the standard claims', async () => {
    const picture = 'https://cdn.example.com/mei.png'
    const claims = { picture, preferred_username: 'mei', email: 'mei@example.com', email_verified: true, groups: ['a'] }
    const phone = await tokens.findPhone(secretToken(claims))
    const account = { username: 'mei', email: 'mei@example.com', emailVerified: true, groups: ['a'] }
    const person = { id: 'user-1', name: 'Mei Tan', avatarUrl: picture, ...account }
    expect(phone).toMatchObject({ kind: 'token', person, expiresAt: T0 + 600_000 })
  })

  test('is accepted with each of several secrets, and with no other', async () => {
    const [first, second, other] = ['first', 'second', 'other'].map((name) => name.padEnd(32, '.')) as [
      string,
      string,
      string,
    ]
    const several = new BearerTokens({ ...options, key: { secrets: [first, second] } })
    const signedBy = (secret: string, claims: unknown = CLAIMS) => toToken({ alg: 'HS256' }, claims, hmac(secret))
    for (const secret of [first, second]) {
      expect(await several.findPhone(signedBy(secret))).toMatchObject({ person: { id: 'user-1' } })
      expect(await several.findPhone(signedBy(secret, { ...CLAIMS, exp: NOW_S }))).toBeNull()
      expect(await several.findPhone(signedBy(secret, { ...CLAIMS, aud: 'https://other.example' }))).toBeNull()
    }
    for (const secret of [other, `${first},${second}`, '']) {
      expect(await several.findPhone(signedBy(secret))).toBeNull()
    }
  })

  test('is the same phone for the same sub and sid, however often it is refreshed', async () => {
    const idOf = async (claims: Record<string, unknown>) => (await tokens.findPhone(secretToken(claims)))?.id
    expect(await idOf({ exp: NOW_S + 60, iat: NOW_S, jti: 'a' })).toBe(await idOf({ exp: NOW_S + 900, name: 'Mei' }))
    const ids = [await idOf({}), await idOf({ sub: 'user-2' }), await idOf({ sid: 'a' }), await idOf({ sid: 'b' })]
    expect(new Set(ids).size).toBe(4)
  })

  test('is accepted if one of its audiences is ours', async () => {
    expect(await tokens.findPhone(secretToken({ aud: ['https://other.example', ORIGIN] }))).not.toBeNull()
  })

  test.each([
    ['name', undefined, 'user-1'],
    ['name', '  ', 'user-1'],
    ['name', 42, 'user-1'],
    ['name', 'Mei\u202e\u0000\nTan', 'MeiTan'],
    ['name', 'x'.repeat(500), 'x'.repeat(100)],
    ['name', `${'x'.repeat(99)}😀😀`, `${'x'.repeat(99)}😀`],
    ['name', 'Mei\ud83d', 'Mei'],
  ])('%s %j is shown as %j', async (_, name, shown) => {
    expect((await tokens.findPhone(secretToken({ name })))?.person.name).toBe(shown)
  })

  test.each([
    ['/avatars/mei.svg', '/avatars/mei.svg'],
    ['http://cdn.example.com/mei.png', null],
    ['javascript:alert(1)', null],
    ['data:image/svg+xml,<svg/>', null],
    ['//evil.example/x.png', null],
    ['/\\evil.example/x.png', null],
    [42, null],
  ])('picture %j becomes %j', async (picture, avatarUrl) => {
    expect((await tokens.findPhone(secretToken({ picture })))?.person.avatarUrl).toBe(avatarUrl)
  })

  const sealed = (header: Record<string, unknown>, claims: unknown = CLAIMS) =>
    toToken(header, claims, hmac(JWT_SECRET))
  const unsigned = (alg: string) => `${encodePart({ alg, typ: 'JWT' })}.${body}.`

  const FORGED: Record<string, string> = {
    'nothing at all': '',
    'one part': head,
    'two parts': `${head}.${body}`,
    'an empty signature': `${head}.${body}.`,
    'five parts, as of an encrypted one': `${head}.${body}.${seal}.${seal}.${seal}`,
    'four parts': `${valid}.${seal}`,
    'alg none': unsigned('none'),
    'alg None': unsigned('None'),
    'alg nOnE with a signature': `${encodePart({ alg: 'nOnE' })}.${body}.${seal}`,
    'alg none with a valid signature': `${encodePart({ alg: 'none' })}.${body}.${seal}`,
    'no alg': sealed({ typ: 'JWT' }),
    'an alg that is a list': sealed({ alg: ['HS256'] }),
    'alg HS512 by the right secret': toToken({ alg: 'HS512' }, CLAIMS, hmac(JWT_SECRET, 'sha512')),
    'alg HS384 by the right secret': toToken({ alg: 'HS384' }, CLAIMS, hmac(JWT_SECRET, 'sha384')),
    'alg HS256 by another secret': toToken({ alg: 'HS256' }, CLAIMS, hmac('another secret that is long enough')),
    'alg HS256 by an empty secret': toToken({ alg: 'HS256' }, CLAIMS, hmac('')),
    'alg ES256 by an unknown key': toToken({ alg: 'ES256' }, CLAIMS, unknownKey.sign),
    'a key of its own in the header': toToken({ alg: 'ES256', jwk: unknownKey.jwk }, CLAIMS, unknownKey.sign),
    'a critical header parameter': sealed({ alg: 'HS256', crit: ['exp'], exp: 1 }),
    'an unencoded body': sealed({ alg: 'HS256', b64: false, crit: ['b64'] }),
    'a changed body': `${head}.${encodePart({ ...CLAIMS, sub: 'admin' })}.${seal}`,
    'a changed header': `${encodePart({ alg: 'HS256', typ: 'jwt' })}.${body}.${seal}`,
    'a signature cut short': valid.slice(0, -4),
    'a signature too long': `${valid}AAAA`,
    'another issuer': secretToken({ iss: 'https://evil.example' }),
    'an issuer that begins alike': secretToken({ iss: `${ISSUER}.evil.example` }),
    'no issuer': secretToken({ iss: undefined }),
    'another audience': secretToken({ aud: 'https://other.example' }),
    'no audience': secretToken({ aud: undefined }),
    'an empty list of audiences': secretToken({ aud: [] }),
    'exp now': secretToken({ exp: NOW_S }),
    'exp one second ago': secretToken({ exp: NOW_S - 1 }),
    'no exp': secretToken({ exp: undefined }),
    'exp as a string': secretToken({ exp: String(NOW_S + 600) }),
    'exp null': secretToken({ exp: null }),
    'nbf in the future': secretToken({ nbf: NOW_S + 60 }),
    'iat in the future': secretToken({ iat: NOW_S + 60 }),
    'no sub': secretToken({ sub: undefined }),
    'an empty sub': secretToken({ sub: '' }),
    'a sub that is a number': secretToken({ sub: 1 }),
    'a sub that is an object': secretToken({ sub: { toString: 'ada' } }),
    'a sub with a line feed': secretToken({ sub: 'ada\nevent: attempt' }),
    'a sub that is too long': secretToken({ sub: 'x'.repeat(256) }),
    'a sid that is an object': secretToken({ sid: {} }),
    'claims that are a list': sealed({ alg: 'HS256' }, [CLAIMS]),
    'claims that are null': sealed({ alg: 'HS256' }, null),
    'claims that are not JSON': sealed({ alg: 'HS256' }, 'sub=ada'),
    'a header that is not JSON': `${encodePart('alg=HS256')}.${body}.${seal}`,
    'parts in plain base64': `${Buffer.from('{"alg":"HS256"}').toString('base64')}=.${body}.${seal}`,
    spaces: `${head} .${body}.${seal}`,
    'a length beyond the maximum': secretToken({ more: 'x'.repeat(5_000) }),
  }

  test('there are at least 40 forged tokens', () => expect(Object.keys(FORGED).length).toBeGreaterThanOrEqual(40))

  test.each(Object.entries(FORGED))('with %s is not accepted', async (_, token) => {
    expect(await tokens.findPhone(token)).toBeNull()
  })

  test('with any changed character is not accepted, nor is any other text', async () => {
    const changed = fc
      .tuple(fc.nat(valid.length - 1), fc.constantFrom(...'ABCabc019_-.'))
      .map(([at, char]) => valid.slice(0, at) + char + valid.slice(at + 1))
    // The last character has unused bits, so base64url has several spellings of the same bytes.
    const isSameBytes = (token: string) =>
      token.slice(0, -1) === valid.slice(0, -1) &&
      Buffer.from(token.split('.')[2] ?? '', 'base64url').equals(Buffer.from(seal, 'base64url'))
    const text = fc.oneof(changed, fc.string(), fc.string({ unit: 'binary' }))
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        fc.pre(!isSameBytes(token))
        expect(await tokens.findPhone(token)).toBeNull()
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a token signed by the issuer', () => {
  const elliptic = new IssuerKey('elliptic', 'ES256')
  const rsa = new IssuerKey('rsa', 'RS256')
  const { publicKey: smallKey, privateKey: smallPrivate } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const small = { ...smallKey.export({ format: 'jwk' }), kid: 'small', alg: 'RS256' }
  const shared = { kty: 'oct', kid: 'shared', alg: 'HS256', k: Buffer.from(JWT_SECRET).toString('base64url') }
  let server: Server
  let fetched: string[] = []
  let tokens: BearerTokens

  beforeAll(async () => {
    server = createServer((request, response) => {
      fetched.push(request.url ?? '')
      response.end(JSON.stringify({ keys: [elliptic.jwk, rsa.jwk, small, shared] }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    tokens = new BearerTokens({ ...options, key: { keySetUrl: `http://127.0.0.1:${port}/keys` } })
  })
  afterAll(() => server.close())

  test('is accepted with each of its keys, and the key set is fetched once', async () => {
    fetched = []
    for (const key of [elliptic, rsa]) {
      expect(await tokens.findPhone(key.token())).toMatchObject({ person: { id: 'user-1' } })
    }
    expect(fetched).toEqual(['/keys'])
  })

  const pem = () => rsa.publicKey.export({ type: 'spki', format: 'pem' })
  const der = () => rsa.publicKey.export({ type: 'spki', format: 'der' })
  const n = () => Buffer.from(String(rsa.jwk.n), 'base64url')

  const FORGED: Record<string, () => string> = {
    'the public key as an HMAC secret (PEM)': () =>
      toToken({ alg: 'HS256', kid: 'rsa' }, CLAIMS, hmac(pem() as string)),
    'the public key as an HMAC secret (DER)': () =>
      toToken({ alg: 'HS256', kid: 'rsa' }, CLAIMS, hmac(der() as Buffer)),
    'the modulus as an HMAC secret': () => toToken({ alg: 'HS256', kid: 'rsa' }, CLAIMS, hmac(n())),
    'a symmetric key in the key set': () => toToken({ alg: 'HS256', kid: 'shared' }, CLAIMS, hmac(JWT_SECRET)),
    'alg none': () => `${encodePart({ alg: 'none', kid: 'rsa' })}.${body}.`,
    'a key too small to be safe': () =>
      toToken({ alg: 'RS256', kid: 'small' }, CLAIMS, (text) => sign('sha256', Buffer.from(text), smallPrivate)),
    'a key that is not in the set': () => unknownKey.token(),
    'the kid of a key in the set and another key': () =>
      toToken({ alg: 'ES256', kid: 'elliptic' }, CLAIMS, unknownKey.sign),
    'no kid and another key': () => toToken({ alg: 'ES256' }, CLAIMS, unknownKey.sign),
    'a key in the header beside the kid of ours': () =>
      toToken({ alg: 'ES256', kid: 'elliptic', jwk: unknownKey.jwk }, CLAIMS, unknownKey.sign),
    'a signature of zeros': () => toToken({ alg: 'ES256', kid: 'elliptic' }, CLAIMS, () => Buffer.alloc(64)),
    'a signature of another size': () =>
      toToken({ alg: 'ES256', kid: 'elliptic' }, CLAIMS, (text) => createHmac('sha256', text).digest()),
    'the algorithm of another key': () => toToken({ alg: 'RS256', kid: 'elliptic' }, CLAIMS, elliptic.sign),
    'the same key by another algorithm': () => toToken({ alg: 'PS256', kid: 'rsa' }, CLAIMS, rsa.sign),
    'a kid that is a path': () => unknownKey.token({}, { kid: '../../etc/passwd' }),
    'a kid that is SQL': () => unknownKey.token({}, { kid: "x' OR '1'='1" }),
    'a kid that is a list': () => unknownKey.token({}, { kid: ['elliptic'] }),
    'another issuer': () => elliptic.token({ iss: 'https://evil.example' }),
    'another audience': () => elliptic.token({ aud: 'https://other.example' }),
    'exp in the past': () => elliptic.token({ exp: NOW_S - 1 }),
  }

  test.each(Object.entries(FORGED))('is not accepted with %s', async (_, forge) => {
    expect(await tokens.findPhone(forge())).toBeNull()
  })

  test('URLs of keys in the header are not fetched', async () => {
    fetched = []
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/stolen`
    for (const header of [{ jku: url }, { x5u: url }, { jku: url, kid: 'elliptic' }, { x5u: url, x5c: ['AA=='] }]) {
      expect(await tokens.findPhone(unknownKey.token({}, header))).toBeNull()
    }
    expect(fetched).not.toContain('/stolen')
  })
})
