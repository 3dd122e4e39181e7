import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, test } from 'vitest'
import { App, Browser, signedInPhone, signInComputer } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { BEARER_ENV } from '../../test/support/tokens'
import { SqliteStore } from '../stores/sqlite/store'

/**
 * A refused request leaves no key, row, watcher, listener or timer. A counted one (a start, a
 * failed sign-in, a bad token) leaves only counters, which are bounded and expire.
 */

const TIMES = 500
const SESSION = 'A'.repeat(32)

type Send = () => Promise<Response>

let app: App
let server: RedisServer | null = null
afterEach(async () => {
  app.dispose()
  await server?.dispose()
  server = null
})

/** The resources that this process holds. */
function held(): Record<string, number> {
  const { connections, attemptStreams, watching } = app.context
  return { streams: connections.size, channels: attemptStreams.size, watching: watching() }
}

/** The number of timers that keep this process alive. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

/** Sends each request `times` times, 100 concurrently. Returns the statuses received. */
async function drive(requests: Record<string, Send>, times = TIMES): Promise<Record<string, number[]>> {
  const statuses: Record<string, number[]> = {}
  for (const [name, send] of Object.entries(requests)) {
    const received = new Set<number>()
    for (let sent = 0; sent < times; sent += 100) {
      for (const { status } of await Promise.all(Array.from({ length: 100 }, send))) received.add(status)
    }
    statuses[name] = [...received].sort()
  }
  return statuses
}

/**
 * A victim with a pending, a scanned and an ended attempt and a session; and an attacker with a
 * browser and a phone.
 */
async function prepare() {
  const victim = new Browser(app)
  const running = await victim.start()
  const scanned = await victim.start()
  const phone = await signedInPhone(app, 'ada')
  const { claim } = await phone.scan(scanned)
  const ended = await victim.start()
  await victim.send('DELETE', `/api/qr/${ended.id}`)
  await signInComputer(app, phone)
  const attacker = new Browser(app)
  attacker.address = '198.51.100.66'
  await attacker.start()
  const bare = new Browser(app)
  bare.address = '198.51.100.66'
  const attackersPhone = new Browser(app)
  attackersPhone.address = '198.51.100.66'
  await attackersPhone.signInPhone('lin')
  return { running, scanned, ended, claim, attacker, bare, attackersPhone }
}

/** Unauthorised requests to every route with an id, a claim or an account. */
function refused({
  running,
  scanned,
  ended,
  claim,
  attacker,
  bare,
  attackersPhone,
}: Awaited<ReturnType<typeof prepare>>) {
  const requests: Record<string, Send> = {}
  const ids: Record<string, () => string> = {
    running: () => running.id,
    scanned: () => scanned.id,
    ended: () => ended.id,
    unknown: () => randomBytes(12).toString('base64url'),
    malformed: () => randomBytes(13).toString('hex'),
    long: () => randomBytes(1_000).toString('hex'),
  }
  for (const [kind, id] of Object.entries(ids)) {
    const path = (after = '') => `/api/qr/${id()}${after}`
    for (const [client, by] of [
      ['attacker', attacker],
      ['bare', bare],
    ] as const) {
      requests[`${client}: GET ${kind}`] = () => by.send('GET', path())
      requests[`${client}: long poll of ${kind}`] = () => by.send('GET', path('?after=1&waitMs=25000'))
      requests[`${client}: events of ${kind}`] = () => by.send('GET', path('/events'))
      requests[`${client}: match of ${kind}`] = () => by.send('POST', path('/match'), { body: { number: '42' } })
      requests[`${client}: redeem of ${kind}`] = () =>
        by.send('POST', path('/redeem'), { body: { ticket: 'x'.repeat(33) } })
      requests[`${client}: DELETE ${kind}`] = () => by.send('DELETE', path())
    }
  }
  for (const [method, path, body] of [
    ['POST', '/api/qr/scan', { code: 'x' }],
    ['POST', '/api/qr/scan', { held: true }],
    ['POST', '/api/qr/confirm', { claim }],
    ['POST', '/api/qr/cancel', { claim }],
    ['GET', '/api/sessions', undefined],
    ['DELETE', '/api/sessions', undefined],
    ['DELETE', `/api/sessions/${SESSION}`, undefined],
    ['POST', `/api/sessions/${SESSION}/acknowledge`, undefined],
    ['GET', '/api/phones', undefined],
    ['DELETE', '/api/phones', undefined],
    ['DELETE', `/api/phones/${SESSION}`, undefined],
    ['GET', '/api/account/events', undefined],
    ['GET', '/api/session', undefined],
    ['DELETE', '/api/session', undefined],
    ['GET', '/api/phone/session', undefined],
    ['DELETE', '/api/phone/session', undefined],
    ['GET', '/api/health/live', undefined],
  ] as const) {
    const init = body === undefined ? {} : { body }
    requests[`not signed in: ${method} ${path}`] = () => bare.send(method, path, init)
    requests[`cross-site: ${method} ${path}`] = () => attacker.send(method, path, { ...init, site: 'cross-site' })
  }
  requests['cross-site: POST /api/qr'] = () => bare.send('POST', '/api/qr', { site: 'cross-site' })
  requests["another's claim"] = () => attackersPhone.send('POST', '/api/qr/cancel', { body: { claim } })
  requests["another's session"] = () => attackersPhone.send('DELETE', `/api/sessions/${SESSION}`)
  requests["another's notice"] = () => attackersPhone.send('POST', `/api/sessions/${SESSION}/acknowledge`)
  requests["another's phone"] = () => attackersPhone.send('DELETE', `/api/phones/${SESSION}`)
  return requests
}

/** Requests that count in the store, whether they are refused or not. */
function counted({ bare, attacker, attackersPhone, claim }: Awaited<ReturnType<typeof prepare>>): Record<string, Send> {
  let last = 0
  const next = () => {
    last += 1
    return last
  }
  const signIn = (username: string) => bare.send('POST', '/api/phone/session', { body: { username, password: 'x' } })
  const token = { headers: { Authorization: 'Bearer x.y.z' }, site: null }
  const newBrowser = () => new Browser(app)
  return {
    'starts of one browser': () => attacker.send('POST', '/api/qr'),
    'starts of one address': () => Object.assign(newBrowser(), { address: bare.address }).send('POST', '/api/qr'),
    'passwords of unknown names': () => signIn(`name ${next()}`),
    'passwords of one name': () => signIn('sam'),
    'holds of unknown codes': () => bare.send('POST', '/api/qr/hold', { body: { code: `x${next()}` } }),
    'bad tokens': () => newBrowser().send('GET', '/api/sessions', token),
    'unknown codes': () => attackersPhone.send('POST', '/api/qr/scan', { body: { code: `x${next()}` } }),
    "confirms of another's claim": () => attackersPhone.send('POST', '/api/qr/confirm', { body: { claim } }),
  }
}

/** Expects a 4xx for each request, except for those that any client may send. */
function expectRefused(statuses: Record<string, number[]>): void {
  for (const [name, received] of Object.entries(statuses)) {
    const isAllowed = /(GET|DELETE) \/api\/(phone\/)?session$|health/.test(name)
    const isRefused = received.every((status) => status >= 400 && status < 500)
    if (!isAllowed) expect([name, received, isRefused]).toEqual([name, received, true])
  }
}

describe('with the embedded store', () => {
  function rows(): Record<string, number> {
    const db = new Database(join(app.folder, 'qr-login.db'), { readonly: true } as never)
    const tables = ['attempts', 'sessions', 'known_browsers', 'counters', 'used']
    const counts = tables.map((name) => [
      name,
      (db.prepare(`SELECT count(*) AS n FROM ${name}`).get() as { n: number }).n,
    ])
    db.close()
    return Object.fromEntries(counts)
  }

  test(`${TIMES} of each refused request leave no row, stream, subscription or timer`, async () => {
    app = new App(BEARER_ENV)
    const scene = await prepare()
    const [before, ticking] = [{ ...rows(), ...held() }, timers()]
    const statuses = await drive(refused(scene))
    expect({ ...rows(), ...held() }).toEqual(before)
    await expect.poll(timers).toBeLessThanOrEqual(ticking)
    expectRefused(statuses)
  }, 120_000)

  test(`${TIMES} of each counted request leave a bounded number of counters, which expire`, async () => {
    app = new App(BEARER_ENV)
    const scene = await prepare()
    const [before, ticking] = [{ ...rows(), ...held() }, timers()]
    await drive(counted(scene))
    const grown = rows()
    // At most the attempts of one address in a minute, and their browsers and names.
    expect((grown.attempts ?? 0) - (before.attempts ?? 0)).toBeLessThanOrEqual(60)
    expect((grown.counters ?? 0) - (before.counters ?? 0)).toBeLessThanOrEqual(60 + 20 * 2 + 20)
    expect([grown.sessions, grown.known_browsers]).toEqual([before.sessions, before.known_browsers])
    app.now += 3_600_000
    const swept = new SqliteStore(app.folder, () => {})
    swept.sweep(app.now, 1_000_000)
    swept.close()
    const after = rows()
    expect([after.attempts, after.counters, after.used]).toEqual([0, 0, 0])
    expect(held()).toMatchObject({ streams: 0, channels: 0 })
    await expect.poll(timers).toBeLessThanOrEqual(ticking)
  }, 120_000)
})

describe.skipIf(!hasRedisServer())('with a real Redis', () => {
  interface Key {
    bytes: number
    endsInMs: number
  }

  async function keys(): Promise<Map<string, Key>> {
    const names = lines(await server?.send('KEYS *'))
    const found = new Map<string, Key>()
    for (const name of names) {
      // The size of the value: its memory usage changes while the server resizes its tables.
      const bytes = Number(/^\$(\d+)/.exec((await server?.send(['DUMP', name])) ?? '')?.[1])
      found.set(name, { bytes, endsInMs: Number((await server?.send(['PTTL', name]))?.slice(1)) })
    }
    return found
  }

  async function open() {
    server = await RedisServer.start()
    app = new App({ ...BEARER_ENV, REDIS_URL: server.url }, Date.now)
    await expect.poll(() => app.context.checkReady()).toBeNull()
    return await prepare()
  }

  const sizes = (all: Map<string, Key>) => Object.fromEntries([...all].map(([name, { bytes }]) => [name, bytes]))

  test(`${TIMES} of each refused request leave no key and no byte`, async () => {
    const scene = await open()
    const [before, inProcess, ticking] = [sizes(await keys()), held(), timers()]
    const statuses = await drive(refused(scene))
    expectRefused(statuses)
    const after = sizes(await keys())
    // Counters may have expired meanwhile, but no key may be new.
    for (const [name, bytes] of Object.entries(after)) expect([name, before[name]]).toEqual([name, bytes])
    expect(held()).toEqual(inProcess)
    expect(app.context.refusals.size).toBe(1)
    await expect.poll(timers).toBeLessThanOrEqual(ticking)
  }, 180_000)

  test(`${TIMES} of each counted request leave a bounded number of keys, each with an expiry`, async () => {
    const scene = await open()
    const before = await keys()
    await drive(counted(scene))
    const after = await keys()
    const added = [...after].filter(([name]) => !before.has(name))
    expect(added.filter(([name]) => name.includes('login:a:')).length).toBeLessThanOrEqual(2 * 60)
    // The requests may span two windows.
    expect(added.length).toBeLessThanOrEqual(2 * (60 * 2 + 20 * 2 + 40))
    expect(added.reduce((sum, [, { bytes }]) => sum + bytes, 0)).toBeLessThanOrEqual(200_000)
    for (const [name, { endsInMs }] of added) {
      expect([name, endsInMs > 0 && endsInMs <= 2 * 3_600_000]).toEqual([name, true])
    }
  }, 180_000)
})

function lines(reply = ''): string[] {
  return reply.split('\r\n').filter((line) => line !== '' && !/^[*$]\d/.test(line))
}
