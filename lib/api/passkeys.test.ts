import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addPasskey, creationOf, OURS, RP_ID, signInRequest } from '../../test/support/add-passkey'
import { App, Browser, refusal as toRefusal } from '../../test/support/app'
import { Authenticator } from '../../test/support/authenticator'
import { BEARER_ENV, NativeApp } from '../../test/support/tokens'
import { MAX_PASSKEYS, type PasskeyView } from '../core/account/passkey'

/** Passkeys of an authenticator that signs with a real key. */

let app: App
let phone: Browser
let device: Authenticator

const boot = (env: Record<string, string> = {}) => {
  app = new App(env)
  phone = new Browser(app)
  device = new Authenticator()
}
beforeEach(() => boot())
afterEach(() => app.dispose())

/** Status and code. */
const refusal = async (response: Promise<Response>) => {
  const { status, code } = await toRefusal(await response)
  return [status, code]
}

const listOf = async (by = phone) => (await by.get<{ passkeys: PasskeyView[] }>('GET', '/api/passkeys')).passkeys
const post = (by: Browser, path: string, body: unknown) => by.send('POST', path, { body })

const signIn = (by: Browser, passkey: unknown) => post(by, '/api/phone/session', { passkey })

describe('adding', () => {
  test('options name the person, require a resident key and the lock, and exclude what exists', async () => {
    await addPasskey(phone, device)
    const creation = await creationOf(phone)
    expect(creation).toMatchObject({
      rp: { id: RP_ID },
      user: { name: 'ada@example.com', displayName: 'Ada Byron' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ type: 'public-key', id: device.id, transports: ['internal'] }],
    })
    expect(creation.user.id).not.toContain('ada')
    expect(creation.challenge).not.toBe((await creationOf(phone)).challenge)
  })

  test('a passkey gets the name of the device, or the given one, and is listed', async () => {
    expect(await addPasskey(phone, device)).toMatchObject({
      id: device.id,
      name: 'Firefox · Linux',
      synced: false,
      lastUsedAt: null,
    })
    const { challenge } = await creationOf(phone)
    const passkey = new Authenticator().create({ ...OURS, challenge })
    expect(await phone.get('POST', '/api/passkeys', { passkey, name: '  Work  ' })).toMatchObject({ name: 'Work' })
    expect((await listOf()).map(({ name }) => name).sort()).toEqual(['Firefox · Linux', 'Work'])
  })

  test.each([
    ['of another page', { origin: 'https://evil.example' }],
    ['for another site', { rpId: 'evil.example' }],
    ['without the lock of the device', { isVerified: false }],
  ])('a passkey %s is refused, and nothing is stored', async (_, wrong) => {
    await phone.signInPhone('ada')
    const { challenge } = await creationOf(phone)
    const passkey = device.create({ ...OURS, challenge, ...wrong })
    expect(await refusal(post(phone, '/api/passkeys', { passkey }))).toEqual([403, 'passkey_wrong'])
    expect(await listOf()).toEqual([])
  })

  test('a challenge is for one phone session, for one purpose, for 5 minutes, and once', async () => {
    await phone.signInPhone('ada')
    const other = new Browser(app)
    await other.signInPhone('ada')
    const add = (challenge: string, by = phone) =>
      refusal(post(by, '/api/passkeys', { passkey: new Authenticator().create({ ...OURS, challenge }) }))
    const { challenge } = await creationOf(phone)
    expect(await add(challenge, other)).toEqual([403, 'passkey_wrong'])
    expect(await add((await signInRequest(phone)).challenge)).toEqual([403, 'passkey_wrong'])
    expect(await add(Buffer.alloc(38).toString('base64url'))).toEqual([403, 'passkey_wrong'])
    expect((await post(phone, '/api/passkeys', { passkey: device.create({ ...OURS, challenge }) })).status).toBe(201)
    expect(await add(challenge)).toEqual([403, 'passkey_wrong'])
    const old = await creationOf(phone)
    app.now += 5 * 60_000
    expect(await add(old.challenge)).toEqual([403, 'passkey_wrong'])
    expect(await listOf()).toHaveLength(1)
  })

  test('an attestation statement is not evaluated: it could name addresses to request', async () => {
    await phone.signInPhone('ada')
    const { challenge } = await creationOf(phone)
    const passkey = device.create({ ...OURS, challenge, format: 'android-key' })
    expect((await post(phone, '/api/passkeys', { passkey })).status).toBe(201)
  })

  test('an id that differs from the one in the data, or is too short, is refused', async () => {
    await phone.signInPhone('ada')
    for (const [bytes, id] of [
      [16, new Authenticator().id],
      [5, null],
    ] as const) {
      const other = new Authenticator(bytes)
      const passkey = other.create({ ...OURS, challenge: (await creationOf(phone)).challenge })
      const { status } = await post(phone, '/api/passkeys', { passkey: { ...passkey, id: id ?? passkey.id } })
      expect([400, 403]).toContain(status)
    }
    expect(await listOf()).toEqual([])
  })

  test('10 requests a minute per person; a bearer token adds none', async () => {
    await phone.signInPhone('ada')
    const responses = await Promise.all(Array.from({ length: 12 }, () => post(phone, '/api/passkeys', {})))
    expect(responses.map(({ status }) => status).sort()).toEqual([...Array(10).fill(400), 429, 429])
    app.dispose()
    boot(BEARER_ENV)
    for (const path of ['/api/passkeys/options', '/api/passkeys']) {
      expect(await refusal(new NativeApp(app).send('POST', path, { body: {} }))).toEqual([400, 'bad_request'])
    }
  })

  test('a credential that exists is refused, also to another person', async () => {
    await addPasskey(phone, device)
    const other = new Browser(app)
    await other.signInPhone('lin')
    const { challenge } = await creationOf(other)
    const passkey = device.create({ ...OURS, challenge })
    expect(await refusal(post(other, '/api/passkeys', { passkey }))).toEqual([403, 'passkey_wrong'])
    expect(await listOf(other)).toEqual([])
    expect(await listOf()).toHaveLength(1)
  })

  test('a person has at most 20', async () => {
    await phone.signInPhone('ada')
    for (let count = 0; count < MAX_PASSKEYS; count += 1) {
      const passkey = new Authenticator().create({ ...OURS, challenge: (await creationOf(phone)).challenge })
      expect((await post(phone, '/api/passkeys', { passkey })).status).toBe(201)
      app.now += 6_000
    }
    expect(await refusal(post(phone, '/api/passkeys/options', {}))).toEqual([409, 'passkey_limit'])
  })

  test('only a signed-in phone adds, lists, renames and removes', async () => {
    const { id } = await addPasskey(phone, device)
    const stranger = new Browser(app)
    expect(await refusal(post(stranger, '/api/passkeys/options', {}))).toEqual([401, 'unauthenticated'])
    expect(await refusal(stranger.send('GET', '/api/passkeys'))).toEqual([401, 'unauthenticated'])
    expect(await refusal(stranger.send('DELETE', `/api/passkeys/${id}`))).toEqual([401, 'unauthenticated'])
    await stranger.signInPhone('lin')
    const renaming = { body: { name: 'Mine' } }
    expect(await refusal(stranger.send('PATCH', `/api/passkeys/${id}`, renaming))).toEqual([404, 'not_found'])
    expect(await refusal(stranger.send('DELETE', `/api/passkeys/${id}`))).toEqual([404, 'not_found'])
    expect(await listOf()).toMatchObject([{ id, name: 'Firefox · Linux' }])
  })
})

describe('signing in', () => {
  test('needs no name: the passkey names the person, and its last use is listed', async () => {
    await addPasskey(phone, device)
    const other = new Browser(app)
    const request = await signInRequest(other)
    expect(request).toMatchObject({ rpId: RP_ID, userVerification: 'required', allowCredentials: [] })
    expect(await (await signIn(other, device.get({ ...OURS, ...request }))).json()).toMatchObject({
      person: { id: 'ada', name: 'Ada Byron', email: 'ada@example.com', groups: ['admins'] },
    })
    expect(await listOf(other)).toMatchObject([{ lastUsedAt: new Date(app.now).toISOString() }])
  })

  test('the passkey signs in the person as the account source described it last', async () => {
    await addPasskey(phone, device)
    const stored = await app.context.passkeys?.list('ada')
    expect(stored).toHaveLength(1)
    const ada = { id: 'ada', name: 'Ada King', avatarUrl: null, username: 'ada', email: null, emailVerified: false }
    await app.context.passkeys?.describePerson({ ...ada, groups: [] })
    const other = new Browser(app)
    const response = await signIn(other, device.get({ ...OURS, ...(await signInRequest(other)) }))
    expect(await response.json()).toEqual({ person: { ...ada, groups: [] } })
    // A sign-in by password is such a description.
    await phone.signInPhone('ada')
    const again = await signIn(other, device.get({ ...OURS, ...(await signInRequest(other)) }))
    expect(await again.json()).toMatchObject({ person: { name: 'Ada Byron', groups: ['admins'] } })
  })

  test.each([
    ['of another page', { origin: 'https://login.example.com.evil.example' }],
    ['for another site', { rpId: 'evil.example' }],
    ['without the lock of the device', { isVerified: false }],
    ['with a counter that goes backwards', { counter: 1 }],
    ['of another person, by its user handle', { userHandle: Buffer.alloc(32).toString('base64url') }],
  ])('a response %s is refused', async (_, wrong) => {
    await addPasskey(phone, device)
    device.counter = 5
    const request = await signInRequest(phone)
    expect((await signIn(new Browser(app), device.get({ ...OURS, ...request }))).status).toBe(200)
    const stranger = new Browser(app)
    const passkey = device.get({ ...OURS, ...(await signInRequest(stranger)), ...wrong })
    expect(await refusal(signIn(stranger, passkey))).toEqual([403, 'passkey_wrong'])
    expect(await stranger.get('GET', '/api/phone/session')).toEqual({ signedIn: false })
  })

  test('a replayed response, an old and a foreign challenge are refused', async () => {
    await addPasskey(phone, device)
    const passkey = device.get({ ...OURS, ...(await signInRequest(phone)) })
    expect((await signIn(new Browser(app), passkey)).status).toBe(200)
    const stranger = new Browser(app)
    expect(await refusal(signIn(stranger, passkey))).toEqual([403, 'passkey_wrong'])
    const { challenge: adding } = await creationOf(phone)
    expect(await refusal(signIn(stranger, device.get({ ...OURS, challenge: adding })))).toEqual([403, 'passkey_wrong'])
    const old = await signInRequest(stranger)
    app.now += 5 * 60_000
    expect(await refusal(signIn(stranger, device.get({ ...OURS, ...old })))).toEqual([403, 'passkey_wrong'])
  })

  test('a challenge is used once, also by an authenticator that keeps no counter', async () => {
    await addPasskey(phone, device)
    const request = { ...OURS, ...(await signInRequest(phone)), counter: 0 }
    device.counter = 0
    await app.context.passkeys?.remove('ada', device.id)
    await phone.signInPhone('ada')
    const { challenge } = await creationOf(phone)
    await phone.get('POST', '/api/passkeys', { passkey: device.create({ ...OURS, challenge, counter: 0 }) })
    expect((await signIn(new Browser(app), device.get(request))).status).toBe(200)
    expect(await refusal(signIn(new Browser(app), device.get(request)))).toEqual([403, 'passkey_wrong'])
  })

  test('a removed and an unknown passkey are refused', async () => {
    const { id } = await addPasskey(phone, device)
    const stranger = new Browser(app)
    const unknown = new Authenticator().get({ ...OURS, ...(await signInRequest(stranger)) })
    expect(await refusal(signIn(stranger, unknown))).toEqual([403, 'passkey_wrong'])
    expect((await phone.send('DELETE', `/api/passkeys/${id}`)).status).toBe(204)
    const removed = device.get({ ...OURS, ...(await signInRequest(stranger)) })
    expect(await refusal(signIn(stranger, removed))).toEqual([403, 'passkey_wrong'])
  })

  test('bodies of another shape are refused', async () => {
    for (const passkey of [{}, { id: 'x' }, { id: 'a b', response: {} }, 'text', null]) {
      expect(await refusal(signIn(phone, passkey))).toEqual([400, 'bad_request'])
    }
    const garbage = { id: device.id, response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' } }
    expect(await refusal(signIn(phone, garbage))).toEqual([403, 'passkey_wrong'])
    await addPasskey(phone, device)
    expect(await refusal(signIn(phone, garbage))).toEqual([403, 'passkey_wrong'])
  })
})

describe('renaming and removing', () => {
  test('a name has 1 to 60 characters, none of them a control character', async () => {
    const { id } = await addPasskey(phone, device)
    const rename = (name: unknown) => phone.send('PATCH', `/api/passkeys/${id}`, { body: { name } })
    expect((await rename(' Work phone ')).status).toBe(204)
    expect(await listOf()).toMatchObject([{ name: 'Work phone' }])
    for (const name of ['', '  ', 'x'.repeat(61), 'a\u0000b', 'a\u202Eb', 5]) {
      expect(await refusal(rename(name))).toEqual([400, 'bad_request'])
    }
    expect(await listOf()).toMatchObject([{ name: 'Work phone' }])
  })

  test('the last passkey stays where it is the only way in', async () => {
    const { id } = await addPasskey(phone, device)
    app.restart({ DEMO_ACCOUNTS: 'false' })
    const second = new Authenticator()
    expect(await refusal(phone.send('DELETE', `/api/passkeys/${id}`))).toEqual([409, 'passkey_last'])
    const { challenge } = await creationOf(phone)
    await phone.get('POST', '/api/passkeys', { passkey: second.create({ ...OURS, challenge }) })
    expect((await phone.send('DELETE', `/api/passkeys/${id}`)).status).toBe(204)
    expect(await refusal(phone.send('DELETE', `/api/passkeys/${second.id}`))).toEqual([409, 'passkey_last'])
  })

  test('a phone that is signed out from elsewhere loses the passkeys it has added or signed in with', async () => {
    const own = new Authenticator()
    await addPasskey(phone, own)
    const lost = new Browser(app)
    await addPasskey(lost, device)
    // Signed out by itself, and in again by its passkey: it is another session.
    await lost.send('DELETE', '/api/phone/session')
    expect((await signIn(lost, device.get({ ...OURS, ...(await signInRequest(lost)) }))).status).toBe(200)
    await addPasskey(lost, new Authenticator())
    expect(await listOf()).toHaveLength(3)
    expect((await phone.send('DELETE', '/api/phones')).status).toBe(204)
    expect((await listOf()).map(({ id }) => id)).toEqual([own.id])
  })

  test('a passkey that no signed-in phone has added or used is removed with any sign-out of a phone', async () => {
    const lost = new Browser(app)
    await addPasskey(lost, device)
    const second = new Authenticator()
    const { challenge } = await creationOf(lost)
    await lost.get('POST', '/api/passkeys', { passkey: second.create({ ...OURS, challenge }) })
    // Signed in again, by one of them: the session that has added the other is over.
    await lost.send('DELETE', '/api/phone/session')
    await signIn(lost, device.get({ ...OURS, ...(await signInRequest(lost)) }))
    await phone.signInPhone('ada')
    expect((await phone.send('DELETE', '/api/phones')).status).toBe(204)
    expect(await listOf()).toEqual([])
  })

  test('a passkey that is being added while its phone is signed out is not kept', async () => {
    await phone.signInPhone('ada')
    const lost = new Browser(app)
    await lost.signInPhone('ada')
    const adding = await Promise.all(
      [1, 2, 3].map(async () => new Authenticator().create({ ...OURS, ...(await creationOf(lost)) })),
    )
    await Promise.all([
      ...adding.map((passkey) => post(lost, '/api/passkeys', { passkey })),
      phone.send('DELETE', '/api/phones'),
    ])
    expect(await listOf()).toEqual([])
  })

  test('the requesting phone keeps the passkey that it has signed in with', async () => {
    const first = new Browser(app)
    await addPasskey(first, device)
    await signIn(phone, device.get({ ...OURS, ...(await signInRequest(phone)) }))
    expect((await phone.send('DELETE', '/api/phones')).status).toBe(204)
    expect(await listOf()).toHaveLength(1)
  })

  test('one phone that is signed out loses them too; a phone that signs itself out does not', async () => {
    await phone.signInPhone('ada')
    const lost = new Browser(app)
    await addPasskey(lost, device)
    const { phones } = await phone.get<{ phones: { id: string; current: boolean }[] }>('GET', '/api/phones')
    const { id } = phones.find(({ current }) => !current) ?? { id: '' }
    expect((await phone.send('DELETE', `/api/phones/${id}`)).status).toBe(204)
    expect(await listOf()).toEqual([])
    await addPasskey(phone, device)
    await phone.send('DELETE', '/api/phone/session')
    expect((await signIn(phone, device.get({ ...OURS, ...(await signInRequest(phone)) }))).status).toBe(200)
  })
})

describe('settings', () => {
  test('passkeys are a source, unless they are off or the origin has no host name', async () => {
    const kinds = async () =>
      (await phone.get<{ sources: { kind: string }[] }>('GET', '/api/phone/sources')).sources.map(({ kind }) => kind)
    expect(await kinds()).toEqual(['passkey', 'demo'])
    for (const env of [
      { PASSKEYS: 'off' },
      { PUBLIC_ORIGIN: 'https://192.0.2.1' },
      { PUBLIC_ORIGIN: 'http://a.example' },
    ]) {
      app.dispose()
      boot(env)
      expect(await kinds()).toEqual(['demo'])
      for (const path of ['/api/passkeys/options', '/api/phone/session/passkey/options']) {
        expect(await refusal(post(phone, path, {}))).toEqual([404, 'not_found'])
      }
    }
  })

  test.each([
    { PASSKEYS: 'off', CONFIRM_POLICY: 'passkey' },
    { PUBLIC_ORIGIN: 'https://192.0.2.1', CONFIRM_POLICY: 'passkey-always' },
    { PUBLIC_ORIGIN: 'http://a.example', PASSKEYS: 'on' },
  ])('%o is refused at the start', (env) => {
    expect(() => new App(env)).toThrow(/wrong or missing/)
  })
})
