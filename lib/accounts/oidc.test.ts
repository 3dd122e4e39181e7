import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { OpenIdProvider } from '../../test/support/openid-provider'
import { OidcProvider, type OidcProviderOptions, type OidcSettings, ProviderError } from './oidc'

const CLIENT = {
  clientId: 'qr-login',
  clientSecret: 'a client secret that is long enough',
  redirectUri: 'http://127.0.0.1:9/api/phone/session/oidc/callback',
  signedOutUri: 'http://127.0.0.1:9/phone',
}

let provider: OpenIdProvider
let other: OpenIdProvider
const logged: string[] = []

beforeAll(async () => {
  const both = await Promise.all([OpenIdProvider.start(CLIENT), OpenIdProvider.start(CLIENT)])
  ;[provider, other] = both
})
afterAll(() => Promise.all([provider.stop(), other.stop()]))

function settingsOf(changes: Partial<OidcSettings> = {}): OidcSettings {
  return {
    issuer: provider.issuer,
    clientId: CLIENT.clientId,
    clientSecret: CLIENT.clientSecret,
    scopes: 'openid profile email',
    name: 'Example',
    idClaim: 'sub',
    groupsClaim: 'groups',
    ...changes,
  }
}

function create(changes: Partial<OidcSettings> = {}, options: Partial<OidcProviderOptions> = {}): OidcProvider {
  return new OidcProvider({
    settings: settingsOf(changes),
    redirectUri: CLIENT.redirectUri,
    signedOutUri: CLIENT.signedOutUri,
    fetch: (url, init) => fetch(url, init),
    monotonicMs: () => performance.now(),
    onError: ({ message }) => logged.push(message),
    ...options,
  })
}

async function failureOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof ProviderError) return error.failure
    throw error
  }
}

/** A response of the token endpoint whose ID token is another. */
function changingIdTokens(change: (token: string) => string): OidcProviderOptions['fetch'] {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (!url.endsWith('/token')) return response
    const body = (await response.json()) as { id_token: string }
    return Response.json({ ...body, id_token: change(body.id_token) })
  }
}

/** The same token with other claims: its signature is not right any more. */
function withClaims(token: string, changes: object): string {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const changed = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), ...changes }
  return [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
}

describe('a sign-in at the provider', () => {
  test('names the person, with claims from userinfo', async () => {
    const accounts = create()
    const { url, pending } = await accounts.begin()
    const back = await provider.signIn(url, 'mei')
    expect(await accounts.finish(back.searchParams, pending)).toEqual({
      id: 'mei',
      name: 'Mei of the team',
      avatarUrl: null,
      username: 'mei',
      email: 'mei@example.com',
      emailVerified: true,
      groups: ['staff'],
    })
  })

  test('asks for a code with PKCE, state and nonce, each of them new', async () => {
    const accounts = create()
    const [first, second] = [await accounts.begin(), await accounts.begin()]
    const query = Object.fromEntries(new URL(first.url).searchParams)
    expect(query).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: CLIENT.redirectUri,
      scope: 'openid profile email',
      state: first.pending.state,
      nonce: first.pending.nonce,
    })
    expect(first.url).not.toContain(first.pending.codeVerifier)
    const values = [...Object.values(first.pending), ...Object.values(second.pending)]
    expect(new Set(values).size).toBe(6)
  })

  test('that the person cancels is denied', async () => {
    const accounts = create()
    const { url, pending } = await accounts.begin()
    const back = await provider.signIn(url, null)
    expect(await failureOf(accounts.finish(back.searchParams, pending))).toBe('denied')
  })

  test.each([
    ['access_denied', 'denied'],
    ['login_required', 'denied'],
    ['temporarily_unavailable', 'unavailable'],
    ['invalid_scope', 'rejected'],
  ])('that comes back with the error %s is %s', async (error, failure) => {
    const accounts = create()
    const { pending } = await accounts.begin()
    const query = new URLSearchParams({ error, state: pending.state, iss: provider.issuer })
    expect(await failureOf(accounts.finish(query, pending))).toBe(failure)
  })

  test('takes the id from the claim that the settings name, and an email address only when it is verified', async () => {
    const accounts = create({ idClaim: 'email' })
    const finish = async (person: string) => {
      const { url, pending } = await accounts.begin()
      return await accounts.finish((await provider.signIn(url, person)).searchParams, pending)
    }
    expect(await finish('mei')).toMatchObject({ id: 'mei@example.com' })
    expect(await failureOf(finish('unverified'))).toBe('rejected')
  })

  test('takes an address, and whether it is verified, from one document', async () => {
    const both = await OpenIdProvider.start({ ...CLIENT, claimsInIdToken: true })
    const accounts = create({ issuer: both.issuer })
    const { url, pending } = await accounts.begin()
    const { searchParams } = await both.signIn(url, 'split')
    const person = await accounts.finish(searchParams, pending)
    await both.stop()
    expect(person).toMatchObject({ email: 'ada@example.com', emailVerified: false })
  })

  test('offers the sign-out at the provider, and the way back', async () => {
    const accounts = create()
    expect(accounts.signOutUrl()).toBeNull()
    await accounts.warmUp()
    const url = new URL(accounts.signOutUrl() ?? '')
    expect([url.origin, url.searchParams.get('client_id'), url.searchParams.get('post_logout_redirect_uri')]).toEqual([
      provider.issuer,
      CLIENT.clientId,
      CLIENT.signedOutUri,
    ])
  })
})

describe('a response of the provider is rejected', () => {
  /** The response to one sign-in, presented with another's pending state, or changed. */
  async function present(change: (query: URLSearchParams) => void, with_: 'own' | 'other' = 'own') {
    const accounts = create()
    const { url, pending } = await accounts.begin()
    const { pending: unrelated } = await accounts.begin()
    const { searchParams } = await provider.signIn(url, 'mei')
    change(searchParams)
    return await failureOf(accounts.finish(searchParams, with_ === 'own' ? pending : unrelated))
  }

  test('in the browser of another sign-in (login CSRF)', async () => {
    expect(await present(() => {}, 'other')).toBe('rejected')
  })

  test('with a swapped or missing state', async () => {
    expect(await present((query) => query.set('state', 'x'.repeat(43)))).toBe('rejected')
    expect(await present((query) => query.delete('state'))).toBe('rejected')
  })

  test('with the iss of another provider, or without (mix-up)', async () => {
    expect(await present((query) => query.set('iss', other.issuer))).toBe('rejected')
    expect(await present((query) => query.delete('iss'))).toBe('rejected')
  })

  test('with a code that the provider does not know', async () => {
    expect(await present((query) => query.set('code', 'x'.repeat(43)))).toBe('rejected')
  })

  test('with the code of another sign-in: PKCE and nonce do not match', async () => {
    const accounts = create()
    const [one, two] = [await accounts.begin(), await accounts.begin()]
    const stolen = (await provider.signIn(one.url, 'mei')).searchParams.get('code') ?? ''
    const { searchParams } = await provider.signIn(two.url, 'lin')
    searchParams.set('code', stolen)
    expect(await failureOf(accounts.finish(searchParams, two.pending))).toBe('rejected')
  })

  test('with another nonce', async () => {
    const accounts = create()
    const { url, pending } = await accounts.begin()
    const { searchParams } = await provider.signIn(url, 'mei')
    expect(await failureOf(accounts.finish(searchParams, { ...pending, nonce: 'another' }))).toBe('rejected')
  })

  test('with the code of another client', async () => {
    const [accounts, foreign] = [create(), create({ clientId: 'another-client' })]
    const { pending } = await accounts.begin()
    const begun = await foreign.begin()
    const { searchParams } = await provider.signIn(begun.url, 'mei')
    searchParams.set('state', pending.state)
    const same = { ...begun.pending, state: pending.state }
    expect(await failureOf(accounts.finish(searchParams, same))).toBe('rejected')
  })

  test.each([
    ['a changed signature', (token: string) => `${token.slice(0, -8)}${token.endsWith('AAAAAAAA') ? 'B' : 'A'}AAAAAAA`],
    ['another audience', (token: string) => withClaims(token, { aud: 'another-client' })],
    ['another issuer', (token: string) => withClaims(token, { iss: 'http://127.0.0.1:9' })],
  ])('with an ID token of %s', async (_, change) => {
    const accounts = create({}, { fetch: changingIdTokens(change) })
    const { url, pending } = await accounts.begin()
    const { searchParams } = await provider.signIn(url, 'mei')
    expect(await failureOf(accounts.finish(searchParams, pending))).toBe('rejected')
  })

  test('more than 60 s after its ID token has expired', async () => {
    const finishAt = async (aheadMs: number) => {
      const accounts = create()
      const { url, pending } = await accounts.begin()
      const { searchParams } = await provider.signIn(url, 'mei')
      // An ID token of the provider lives for an hour.
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 + aheadMs })
      return await failureOf(accounts.finish(searchParams, pending)).finally(() => vi.useRealTimers())
    }
    expect([await finishAt(40_000), await finishAt(90_000)]).toEqual([null, 'rejected'])
  })

  test('with a code that was used before', async () => {
    const accounts = create()
    const { url, pending } = await accounts.begin()
    const { searchParams } = await provider.signIn(url, 'mei')
    await accounts.finish(searchParams, pending)
    expect(await failureOf(accounts.finish(searchParams, pending))).toBe('rejected')
  })
})

describe('while the provider is away', () => {
  test('a sign-in cannot begin, and can as soon as it is back', async () => {
    const away = await OpenIdProvider.start(CLIENT)
    await away.stop()
    let now = 0
    const accounts = create({ issuer: away.issuer }, { monotonicMs: () => now })
    expect(await failureOf(accounts.begin())).toBe('unavailable')
    await away.start()
    now += 2_000
    expect(await failureOf(accounts.begin())).toBeNull()
    await away.stop()
  })

  test('metadata that is stale is used, and fetched again in the background', async () => {
    let now = 0
    let requests = 0
    let isAway = false
    const accounts = create(
      {},
      {
        monotonicMs: () => now,
        fetch: async (url, init) => {
          requests += 1
          // Never answers: a request that waited for it would wait for ever.
          return isAway ? await new Promise(() => {}) : await fetch(url, init)
        },
      },
    )
    await accounts.begin()
    await accounts.begin()
    expect(requests).toBe(1)
    isAway = true
    now += 3_600_000
    expect(await failureOf(accounts.begin())).toBeNull()
    expect(requests).toBe(2)
  })

  test.each([
    ['no address to sign in at', { authorization_endpoint: undefined }],
    ['an address without TLS to sign in at', { authorization_endpoint: 'ftp://a.example' }],
  ])('metadata with %s is not used, and does not replace what is', async (_, change) => {
    let now = 0
    let isBad = true
    const accounts = create(
      {},
      {
        monotonicMs: () => now,
        fetch: async (url, init) => {
          const response = await fetch(url, init)
          return isBad ? Response.json({ ...((await response.json()) as object), ...change }) : response
        },
      },
    )
    expect(await failureOf(accounts.begin())).toBe('unavailable')
    isBad = false
    now += 2_000
    expect(await failureOf(accounts.begin())).toBeNull()
    isBad = true
    now += 3_600_000
    await accounts.begin()
    await accounts.warmUp()
    expect(await failureOf(accounts.begin())).toBeNull()
  })

  test.each([null, '', '/relative', 'ftp://a.example'])('an address %o to sign out at is none', async (address) => {
    const accounts = create(
      {},
      {
        fetch: async (url, init) => {
          const metadata = (await (await fetch(url, init)).json()) as object
          return Response.json({ ...metadata, end_session_endpoint: address })
        },
      },
    )
    await accounts.warmUp()
    expect(accounts.signOutUrl()).toBeNull()
  })

  test('claims at userinfo that cannot be read are unavailable: the person would lose name and groups', async () => {
    const broken: OidcProviderOptions['fetch'] = async (url, init) =>
      url.endsWith('/me') ? new Response(null, { status: 503 }) : await fetch(url, init)
    const accounts = create({}, { fetch: broken })
    const { url, pending } = await accounts.begin()
    const { searchParams } = await provider.signIn(url, 'mei')
    expect(await failureOf(accounts.finish(searchParams, pending))).toBe('unavailable')
  })

  test('a sign-in that began before is unavailable, not rejected', async () => {
    const away = await OpenIdProvider.start(CLIENT)
    const accounts = create({ issuer: away.issuer })
    const { url, pending } = await accounts.begin()
    const { searchParams } = await away.signIn(url, 'mei')
    await away.stop()
    expect(await failureOf(accounts.finish(searchParams, pending))).toBe('unavailable')
  })
})

test('no log line contains a code, a token, a secret or a verifier', async () => {
  const accounts = create()
  const { url, pending } = await accounts.begin()
  const { searchParams } = await provider.signIn(url, 'mei')
  await accounts.finish(searchParams, pending)
  await failureOf(accounts.finish(searchParams, pending))
  const text = logged.join('\n')
  expect(text).not.toBe('')
  for (const secret of [searchParams.get('code') ?? '', CLIENT.clientSecret, ...Object.values(pending)]) {
    expect(text).not.toContain(secret)
  }
})
