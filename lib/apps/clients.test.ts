import { describe, expect, test } from 'vitest'
import { StartError } from '../core/start-error'
import { parseClients, toView } from './clients'

const SECRET = 'a-secret-of-a-test-that-is-long-enough'
const WIKI = {
  client_id: 'wiki',
  client_secret: SECRET,
  client_name: 'Wiki',
  redirect_uris: ['https://wiki.example.com/callback'],
}
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const PUBLIC = { ...WIKI, client_secret: undefined, token_endpoint_auth_method: 'none' }

/** The rows for these entries; empty if there are no mistakes. */
function rowsOf(...entries: object[]): string[] {
  return rowsOfText(JSON.stringify(entries))
}

function rowsOfText(text: string): string[] {
  try {
    parseClients(text)
    return []
  } catch (error) {
    if (error instanceof StartError) return error.rows.map(({ name, problem }) => `${name}: ${problem}`)
    throw error
  }
}

function parseOne(entry: object) {
  const [client] = parseClients(JSON.stringify([entry]))
  if (client === undefined) throw new Error('no client')
  return client
}

describe('a mistake', () => {
  test.each<[changed: object, row: RegExp]>([
    [{ client_id: undefined }, /^client 1 client_id: required: 1 to 128/],
    [{ client_id: 5 }, /^client 1 client_id: expected/],
    [{ client_id: '' }, /^client 1 client_id: expected/],
    [{ client_id: 'our wiki' }, /^client 1 \(our\?wiki\) client_id: expected/],
    [{ client_id: 'wïki' }, /client_id: expected/],
    [{ client_id: 'w'.repeat(129) }, /client_id: expected/],
    [{ client_secret: undefined }, /^client 1 \(wiki\) client_secret: required: 32 to 512/],
    [{ client_secret: 's'.repeat(31) }, /client_secret: expected: 32 to 512/],
    [{ client_secret: `${'s'.repeat(32)} s` }, /client_secret: expected/],
    [{ client_secret: null }, /client_secret: expected/],
    [{ token_endpoint_auth_method: 'none' }, /client_secret: not beside token_endpoint_auth_method none/],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, /token_endpoint_auth_method: expected: client_secret_basic,/],
    [{ client_name: undefined }, /client_name: required: 1 to 60/],
    [{ client_name: 'n'.repeat(61) }, /client_name: expected/],
    [{ client_name: 'Wi\nki' }, /client_name: expected/],
    [{ client_name: 'Wi\u202eki' }, /client_name: expected/],
    [{ client_name: '\u200b \u200b' }, /client_name: expected/],
    [{ 'client_name#zh-CN': '' }, /client_name#zh-CN: expected/],
    [{ 'client_name#fr': 'Wiki' }, /client_name#fr: unknown: the languages are client_name#en and client_name#zh-CN/],
    [{ 'scope#zh-CN': 'openid' }, /scope#zh-CN: unknown field/],
    [{ jwks_uri: 'https://wiki.example.com/keys' }, /jwks_uri: unknown field/],
    [{ response_types: ['code'] }, /response_types: unknown field/],
    [{ client_uri: 'http://wiki.example.com' }, /client_uri: expected: https; http only on/],
    [{ client_uri: 'com.example.app:/' }, /client_uri: expected: https; http only on/],
    [{ logo_uri: 'http://127.0.0.1/logo.png' }, /logo_uri: expected: an https address/],
    [{ logo_uri: 'data:image/png;base64,AAAA' }, /logo_uri: expected: an https address/],
    [{ initiate_login_uri: 'http://127.0.0.1/login' }, /initiate_login_uri: expected: an https address/],
    [{ redirect_uris: undefined }, /redirect_uris: required with the grant authorization_code/],
    [{ redirect_uris: [] }, /redirect_uris: required with the grant authorization_code/],
    [{ redirect_uris: 'https://wiki.example.com/callback' }, /redirect_uris: expected: a list/],
    [
      { redirect_uris: Array.from({ length: 33 }, (_, n) => `https://a.example/${n}`) },
      /redirect_uris: expected: at most 32/,
    ],
    [
      { backchannel_logout_uri: 'wss://wiki.example.com' },
      /backchannel_logout_uri: expected: an https or http address/,
    ],
    [{ backchannel_logout_uri: 'https://wiki.example.com/#a' }, /backchannel_logout_uri: expected: no fragment/],
    [
      { backchannel_logout_session_required: true },
      /backchannel_logout_session_required: needs backchannel_logout_uri/,
    ],
    [{ backchannel_logout_session_required: 'yes' }, /backchannel_logout_session_required: expected: true or false/],
    [{ scope: 'openid  email' }, /scope: expected: openid, and any of/],
    [{ scope: 'profile email' }, /scope: expected/],
    [{ scope: 'openid phone' }, /scope: expected/],
    [{ scope: 'openid email email' }, /scope: expected/],
    [{ scope: ['openid'] }, /scope: expected/],
    [{ grant_types: ['implicit'] }, /grant_types 1: expected: authorization_code/],
    [{ grant_types: ['authorization_code', 'password'] }, /grant_types 2: expected/],
    [{ grant_types: ['client_credentials'] }, /grant_types 1: expected/],
    [{ grant_types: [] }, /grant_types: expected: at least one/],
    [{ grant_types: ['authorization_code', 'authorization_code'] }, /grant_types: expected: each grant type once/],
    [{ grant_types: ['refresh_token'], redirect_uris: [] }, /grant_types: refresh_token needs authorization_code/],
    [{ grant_types: [DEVICE_CODE] }, /redirect_uris: not without the grant authorization_code/],
    [{ id_token_signed_response_alg: 'HS256' }, /id_token_signed_response_alg: expected: RS256 or ES256/],
    [{ id_token_signed_response_alg: 'none' }, /id_token_signed_response_alg: expected/],
    [{ first_party: 'true' }, /first_party: expected: true or false/],
  ])('%j', (changed, row) => {
    expect(rowsOf({ ...WIKI, ...changed })).toEqual([expect.stringMatching(row)])
  })

  test.each<[uri: string, problem: RegExp]>([
    ['http://wiki.example.com/callback', /expected: https; http only on 127.0.0.1/],
    ['http://127.0.0.1.example.com/', /expected: https; http only on/],
    ['http://localhost.example.com/', /expected: https; http only on/],
    ['http://localhost@wiki.example.com/', /expected: no name and password/],
    ['http://127.1/callback', /expected: https; http only on/],
    ['http://2130706433/callback', /expected: https; http only on/],
    ['http://10.0.0.1/callback', /expected: https; http only on/],
    ['http://[::2]/callback', /expected: https; http only on/],
    ['https://wiki.example.com/callback#here', /expected: no fragment/],
    ['https://wiki.example.com/callback#', /expected: no fragment/],
    ['https://*.example.com/callback', /expected: no wildcard/],
    ['https://wiki.example.com/*', /expected: no wildcard/],
    ['https://ada:secret@wiki.example.com/', /expected: no name and password/],
    ['https:wiki.example.com/callback', /expected: https; http only on/],
    ['https:///wiki.example.com/callback', /expected: https; http only on/],
    ['HTTPS://wiki.example.com/callback', /expected: https, or a private-use scheme with a dot/],
    ['https://', /expected: an absolute URI/],
    ['https://wiki.example.com:port/', /expected: an absolute URI/],
    ['https://evil.example\\@wiki.example.com/', /expected: the characters of a URI/],
    ['https://wiki.example.com/a b', /expected: the characters of a URI/],
    ['https://维基.example.com/', /expected: the characters of a URI/],
    [`https://wiki.example.com/${'a'.repeat(2048)}`, /expected: at most 2048 characters/],
    ['/callback', /expected: an absolute URI/],
    ['', /expected: an absolute URI/],
    ['wiki:/callback', /expected: https, or a private-use scheme with a dot/],
    ['javascript:alert(1)', /expected: https, or a private-use scheme with a dot/],
    ['urn:ietf:wg:oauth:2.0:oob', /expected: https, or a private-use scheme with a dot/],
    ['COM.example.app:/callback', /expected: a private-use scheme in lower case/],
    ['com.example.app:callback', /expected: a private-use scheme in lower case/],
  ])('the redirect URI %s', (uri, problem) => {
    for (const field of ['redirect_uris', 'post_logout_redirect_uris']) {
      const good = 'https://wiki.example.com/other'
      const row = expect.stringMatching(problem)
      const rows = rowsOf({ ...PUBLIC, redirect_uris: [good], [field]: [good, uri] })
      expect(rows).toEqual([row])
      expect(rows[0]).toContain(`client 1 (wiki) ${field} 2: `)
      if (uri.length > 1) expect(rows[0]?.slice(rows[0].indexOf('expected'))).not.toContain(uri)
    }
  })

  test('a private-use scheme of a client with a secret', () => {
    const rows = rowsOf({ ...WIKI, redirect_uris: ['com.example.app:/callback'] })
    expect(rows).toEqual([
      expect.stringMatching(/redirect_uris 1: a private-use scheme needs token_endpoint_auth_method/),
    ])
  })

  test('https on a loopback address, beside what only the device itself resolves', () => {
    const rows = rowsOf({ ...PUBLIC, redirect_uris: ['http://127.0.0.1/cb', 'https://localhost:8443/cb'] })
    expect(rows).toEqual([expect.stringMatching(/redirect_uris 2: expected: http on a loopback address/)])
  })

  test('the same id twice', () => {
    expect(rowsOf(WIKI, { ...WIKI, client_id: 'other' }, WIKI)).toEqual([
      'client 3 (wiki) client_id: client 1 has the same',
    ])
  })

  test.each([
    ['{}', 'file: expected: a list of clients: [ … ]'],
    ['"wiki"', 'file: expected: a list of clients: [ … ]'],
    ['[5]', 'client 1: expected: an object'],
    ['[null]', 'client 1: expected: an object'],
    ['[[]]', 'client 1: expected: an object'],
    ['', 'file: not JSON: expected a value (line 1, column 1)'],
    ['[\n  {\n    "client_id": wiki\n', 'file: not JSON: expected a value (line 3, column 18)'],
    ['[{"client_id": "wiki",}]', 'file: not JSON: expected a name in double quotes (line 1, column 23)'],
    ['[{"client_id": "wiki" "client_name": ""}]', 'file: not JSON: expected , or } (line 1, column 23)'],
    ['[1] // our apps', 'file: not JSON: there is text after the end (line 1, column 5)'],
    ['[{"a": 1, "\\u0061": 2}]', 'file: the same name twice in one object (line 1, column 11)'],
    ['['.repeat(100_000), 'file: nested too deeply (line 1, column 18)'],
  ])('the text %s', (text, row) => {
    expect(rowsOfText(text)).toEqual([row])
  })
})

test('all mistakes of all clients are in one table, and no value is', () => {
  const wrong = { ...WIKI, client_secret: 'hunter2', first_party: 1, logo_uri: 'http://logo.example', surprise: 'boo' }
  const rows = rowsOf(wrong, { ...WIKI, redirect_uris: ['http://evil.example/'] }, { client_id: 'chat' })
  expect(rows.map((row) => row.slice(0, row.indexOf(':')))).toEqual([
    'client 1 (wiki) client_secret',
    'client 1 (wiki) logo_uri',
    'client 1 (wiki) first_party',
    'client 1 (wiki) surprise',
    'client 2 (wiki) redirect_uris 1',
    'client 2 (wiki) client_id',
    'client 3 (chat) client_name',
    'client 3 (chat) client_secret',
    'client 3 (chat) redirect_uris',
  ])
  expect(rows.join()).not.toMatch(/hunter2|logo\.example|boo|evil\.example/)
})

test('a text that is no JSON shows its secret to no reader of the table', () => {
  expect(rowsOfText(`[{"client_secret": "${SECRET}" x}]`).join()).not.toContain(SECRET.slice(0, 8))
})

test('the table ends after 100 mistakes, with their number', () => {
  const rows = rowsOf(...Array.from({ length: 150 }, (_, n) => ({ ...WIKI, client_id: `c${n}`, extra: 1 })))
  expect([rows.length, rows.at(-1)]).toEqual([101, '…: and 50 more'])
})

describe('what is taken', () => {
  test('an entry without optional fields gets the defaults', () => {
    expect(parseOne(WIKI)).toEqual({
      ...WIKI,
      post_logout_redirect_uris: [],
      backchannel_logout_session_required: false,
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'openid profile email groups offline_access',
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: 'RS256',
      first_party: false,
    })
  })

  test.each<object>([
    { redirect_uris: ['http://127.0.0.1:3000/cb', 'http://[::1]/cb', 'http://localhost:65535'] },
    { redirect_uris: ['https://wiki.example.com:8443/cb?tenant=1', 'https://xn--fsq.example/'] },
    { client_uri: 'http://localhost:3000/', logo_uri: 'https://cdn.example.com/logo.svg' },
    { backchannel_logout_uri: 'http://wiki.internal/logout', backchannel_logout_session_required: true },
    { initiate_login_uri: 'https://wiki.example.com/login' },
    { scope: 'openid offline_access' },
    { scope: 'openid profile email groups offline_access', grant_types: ['authorization_code', 'refresh_token'] },
    { grant_types: [DEVICE_CODE, 'refresh_token'], redirect_uris: [] },
    { token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'ES256', first_party: true },
    { client_name: '维基'.repeat(30), 'client_name#en': 'Wiki', 'client_name#zh-CN': '维基 👩‍👩‍👧' },
  ])('%j', (changed) => {
    expect(parseOne({ ...WIKI, ...changed })).toMatchObject(changed)
  })

  test('private-use schemes of a public client', () => {
    const redirect_uris = ['com.example.app:/callback', 'com.example.app://callback', 'https://app.example.com/cb']
    expect(parseOne({ ...PUBLIC, redirect_uris })).toMatchObject({ redirect_uris })
  })

  test('an empty list, and a byte order mark', () => {
    expect(parseClients('[]')).toEqual([])
    expect(parseClients(`\uFEFF${JSON.stringify([WIKI])}`)).toHaveLength(1)
  })
})

describe('the view', () => {
  test('has the name in the language, and no secret', () => {
    const client = parseOne({ ...WIKI, 'client_name#zh-CN': '维基', client_uri: 'https://www.example.com/wiki' })
    expect(toView(client, 'zh')).toEqual({
      clientId: 'wiki',
      name: '维基',
      logoUrl: null,
      host: 'www.example.com',
      firstParty: false,
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      homeUrl: 'https://www.example.com/wiki',
    })
    expect([toView(client).name, toView(client, 'en').name]).toEqual(['Wiki', 'Wiki'])
  })

  test.each<[changed: object, host: string | null]>([
    [{}, 'wiki.example.com'],
    [{ redirect_uris: ['http://127.0.0.1:8080/cb'] }, '127.0.0.1:8080'],
    [{ redirect_uris: ['com.example.app:/cb'] }, 'com.example.app'],
    [{ redirect_uris: [], grant_types: [DEVICE_CODE] }, null],
  ])('%j: the host is %s', (changed, host) => {
    expect(toView(parseOne({ ...PUBLIC, ...changed })).host).toBe(host)
  })
})
