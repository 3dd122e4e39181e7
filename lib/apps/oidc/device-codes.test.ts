import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { CLIENT_SECRET } from '../../../test/support/oidc-app'
import { signedInPhone, type UserAgent } from '../../../test/support/user-agent'
import type { Review } from '../../core/attempt/views'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const CLI = {
  client_id: 'cli',
  client_name: 'Command line',
  token_endpoint_auth_method: 'none',
  redirect_uris: [],
  grant_types: [GRANT, 'refresh_token'],
}

interface Device {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

let server: AppServer
let phone: UserAgent
beforeAll(async () => {
  const tv = { ...CLI, client_id: 'tv', client_name: 'TV', first_party: true }
  const web = { ...CLI, client_id: 'web', client_secret: CLIENT_SECRET, client_name: 'Web' }
  const { token_endpoint_auth_method: _, ...secret } = web
  const clients = [CLI, tv, { ...secret, redirect_uris: ['https://web.example.com/cb'], grant_types: undefined }]
  server = await AppServer.start({ clients, env: { MATCH_POLICY: 'always' } })
  phone = await signedInPhone(server.origin)
})
afterAll(() => server.stop())

async function post<T>(path: string, fields: Record<string, string>): Promise<{ status: number; body: T }> {
  const response = await fetch(server.issuer + path, { method: 'POST', body: new URLSearchParams(fields) })
  return { status: response.status, body: (await response.json()) as T }
}

async function begin(client = 'cli', scope = 'openid profile offline_access'): Promise<Device> {
  const { status, body } = await post<Device>('/device/auth', { client_id: client, scope })
  expect(status).toBe(200)
  return body
}

interface Tokens {
  error?: string
  access_token: string
  refresh_token: string
  id_token: string
}

const poll = async ({ device_code }: Device, client = 'cli') =>
  (await post<Tokens>('/token', { grant_type: GRANT, device_code, client_id: client })).body

const scan = (shortCode: string, by = phone) =>
  by.call<Review>('POST', `${server.origin}/api/qr/scan`, { body: { shortCode } })

async function confirm(device: Device, by = phone): Promise<Review> {
  const review = await scan(device.user_code, by)
  await by.call('POST', `${server.origin}/api/qr/confirm`, { body: { claim: review.claim } })
  return review
}

const claimsOf = ({ id_token }: Tokens) =>
  JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

const isGood = async ({ access_token }: Tokens) =>
  (await fetch(`${server.issuer}/me`, { headers: { Authorization: `Bearer ${access_token}` } })).ok

describe('a device without a browser', () => {
  test('is told where to go and what to show', async () => {
    expect(await begin()).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${server.origin}/device`,
      verification_uri_complete: expect.stringMatching(/\/device#[A-Z]{4}-[A-Z]{4}$/),
      expires_in: 300,
      interval: 5,
    })
  })

  test('waits for the phone, and gets tokens after its yes, without a number', async () => {
    const device = await begin()
    expect((await poll(device)).error).toBe('authorization_pending')
    const review = await scan(device.user_code)
    expect(review).toMatchObject({
      app: { name: 'Command line', host: null, scopes: ['openid', 'profile', 'offline_access'] },
      userCode: device.user_code,
      match: { required: false },
      computer: { browser: null, os: null },
    })
    expect((await poll(device)).error).toBe('authorization_pending')
    await phone.call('POST', `${server.origin}/api/qr/confirm`, { body: { claim: review.claim } })
    const tokens = await poll(device)
    expect(claimsOf(tokens)).toMatchObject({ sub: 'ada', name: 'Ada Byron', aud: 'cli', amr: ['mca', 'user'] })
    expect(await isGood(tokens)).toBe(true)
    expect((await poll(device)).error).toBe('invalid_grant')
  })

  test('hears that the person declined', async () => {
    const device = await begin()
    const { claim } = await scan(device.user_code)
    await phone.call('POST', `${server.origin}/api/qr/cancel`, { body: { claim } })
    expect((await poll(device)).error).toBe('access_denied')
  })

  test('is a computer in the list, whose sign-out ends its tokens', async () => {
    const device = await begin()
    await confirm(device)
    const tokens = await poll(device)
    const { sessions } = await phone.call<{ sessions: { id: string; app: unknown }[] }>(
      'GET',
      `${server.origin}/api/sessions`,
    )
    expect(sessions[0]?.app).toEqual({ name: 'Command line', host: null })
    await phone.call('DELETE', `${server.origin}/api/sessions/${sessions[0]?.id}`)
    expect(await isGood(tokens)).toBe(false)
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: 'cli' }
    expect((await post<Tokens>('/token', refresh)).body.error).toBe('invalid_grant')
  })

  test('is an app that can be removed, also one of the first party', async () => {
    const agreed: unknown[] = []
    const { log } = server.qrLogin.context
    vi.spyOn(log, 'info').mockImplementation((line: unknown) => {
      const { event, app } = line as { event?: string; app?: string }
      if (event === 'app.agreed') agreed.push(app)
    })
    vi.spyOn(log, 'isLevelEnabled').mockReturnValue(true)
    const device = await begin('tv')
    const review = await confirm(device)
    expect(review.app?.scopes).toBeNull()
    const tokens = await poll(device, 'tv')
    vi.restoreAllMocks()
    const { apps } = await phone.call<{ apps: { clientId: string }[] }>('GET', `${server.origin}/api/apps`)
    expect(apps.map(({ clientId }) => clientId)).toContain('tv')
    expect(agreed).toEqual(['tv'])
    await phone.call('DELETE', `${server.origin}/api/apps/tv`)
    expect(await isGood(tokens)).toBe(false)
  })

  test('of 20 concurrent requests for tokens one gets them', async () => {
    const device = await begin()
    await confirm(device)
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(device)))
    const winners = answers.filter(({ error }) => error === undefined)
    expect(winners).toHaveLength(1)
    expect(new Set(answers.map(({ error }) => error))).toEqual(new Set([undefined, 'invalid_grant']))
    expect(winners[0] !== undefined && (await isGood(winners[0]))).toBe(true)
    const { sessions } = await phone.call<{ sessions: { app: { name: string } | null }[] }>(
      'GET',
      `${server.origin}/api/sessions`,
    )
    expect(sessions.filter(({ app }) => app?.name === 'Command line').length).toBeGreaterThan(0)
  })

  test('another phone cannot take the code, and another client not the device code', async () => {
    const device = await begin()
    await scan(device.user_code)
    const lin = await signedInPhone(server.origin, 'lin')
    await expect(scan(device.user_code, lin)).rejects.toThrow('attempt_taken')
    expect((await poll(device, 'tv')).error).toBe('invalid_grant')
  })

  test('a client without the grant is refused, and nothing is kept', async () => {
    const { status, body } = await post<Tokens>('/device/auth', { client_id: 'web', scope: 'openid' })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  })
})
