import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AppServer } from '../../test/support/app-server'
import { clientOf, OidcApp } from '../../test/support/oidc-app'
import { signedInPhone, UserAgent } from '../../test/support/user-agent'
import type { Apps } from '../apps/apps'
import { ClientRegistry } from '../apps/client-registry'
import type { Attempts } from '../core/attempt/attempts'
import { deriveKeyring } from '../core/keys'
import type { Limiter } from '../core/rate-limit/limiter'
import type { Sessions } from '../core/session/sessions'
import { SqliteStore } from '../stores/sqlite/store'
import { parseConfig } from './config'
import type { Log } from './log'
import { openApps } from './open-apps'

const DAY_MS = 24 * 3_600_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-apps-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

test('new keys are published by every process within 70 s, without a restart', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const file = join(folder, 'clients.json')
  writeFileSync(file, JSON.stringify([clientOf('wiki')]))
  const records = new SqliteStore(folder, (error) => {
    throw error
  })
  let time = Date.now()
  const env = { PUBLIC_ORIGIN: 'https://login.example.com', SESSION_SECRET: 'a secret for tests that is long enough' }
  const config = parseConfig(env, { lanAddress: null, loadSecret: () => '' })
  const errors: unknown[] = []
  const open = () =>
    openApps(config, {
      registry: new ClientRegistry(file, { info: () => {}, error: () => {} }),
      store: records,
      // No request of this test reads a session or an attempt.
      sessions: {} as Sessions,
      attempts: {} as Attempts,
      limiter: {} as Limiter,
      audit: () => {},
      now: () => time,
      wall: () => time,
      randomBytes,
      keys: deriveKeyring(config.secrets),
      log: { error: (facts: object) => errors.push(facts), warn: () => {} } as unknown as Log,
    }).apps as Apps
  const processes = [open(), open()]
  const keysOf = async ({ server }: ReturnType<typeof open>) => {
    const headers = { authorization: null, contentType: null }
    const request = {
      method: 'GET',
      url: '/jwks',
      headers,
      body: '',
      sessionId: null,
      browserHash: '',
      locale: 'en',
      resumes: null,
    } as const
    const { keys } = JSON.parse((await server.respond(request)).body) as { keys: { kid: string; alg: string }[] }
    return keys.map(({ kid }) => kid)
  }
  const before = await Promise.all(processes.map(keysOf))
  expect(before[0]).toHaveLength(4)
  expect(before[0]).toEqual(before[1])
  time += 90 * DAY_MS
  vi.advanceTimersByTime(70_000)
  await vi.waitFor(async () => {
    const after = await Promise.all(processes.map(keysOf))
    expect(after[0]).toHaveLength(6)
    expect(after[0]).toEqual(after[1])
    expect(after[0]?.slice(0, 2)).toEqual(before[0]?.slice(2))
  }, 20_000)
  expect(errors).toEqual([])
  for (const each of processes) each.close()
  records.close()
})

test('a new list of clients is in force at once, and a client that has left it is unknown', async () => {
  const server = await AppServer.start({ clients: [clientOf('wiki', { first_party: true })] })
  const phone = await signedInPhone(server.origin)
  const computer = new UserAgent()
  const wiki = await OidcApp.discover(server, 'wiki')
  const { tokens } = await wiki.signIn(computer, phone)
  writeFileSync(server.clientsFile, JSON.stringify([clientOf('chat', { first_party: true })]))
  expect(server.qrLogin.context.clients?.reload()).toBe(true)
  const chat = await OidcApp.discover(server, 'chat')
  expect((await chat.signIn(computer, phone)).tokens.claims()?.sub).toBe('ada')
  const { response } = await computer.open((await wiki.begin()).url)
  expect(response?.status).toBe(400)
  const me = await fetch(`${server.issuer}/me`, { headers: { Authorization: `Bearer ${tokens.access_token}` } })
  expect(me.status).toBe(401)
  await server.stop()
})
