import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, test } from 'vitest'
import { App, Browser, signedInPhone, signInComputer } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { BEARER_ENV } from '../../test/support/tokens'
import { SqliteStore } from '../stores/sqlite/store'

/**
 * A request that is refused leaves nothing behind: no key, row, watcher, listener or timer. What
 * counts (a start, a failed sign-in, a bad token) leaves its counters, which are bounded, and end.
 */

const TIMES = 2_000
const SESSION = 'A'.repeat(32)

type Ask = () => Promise<Response>

let app: App
let server: RedisServer | null = null
afterEach(async () => {
  app.dispose()
  await server?.dispose()
  server = null
})

/** Everything that stays in this process. */
function held(): Record<string, number> {
  const { connections, attemptStreams, watching } = app.context
  return { streams: connections.size, channels: attemptStreams.size, watching: watching() }
}

/** How many timers keep this process alive. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

/** Sends each request so often, a hundred at a time, and returns the statuses of its answers. */
async function drive(asks: Record<string, Ask>, times = TIMES): Promise<Record<string, number[]>> {
  const statuses: Record<string, number[]> = {}
  for (const [name, ask] of Object.entries(asks)) {
    const seen = new Set<number>()
    for (let sent = 0; sent < times; sent += 100) {
      for (const { status } of await Promise.all(Array.from({ length: 100 }, ask))) seen.add(status)
    }
    statuses[name] = [...seen].sort()
  }
  return statuses
}

/**
 * A victim with a running attempt, a scanned one, an ended one and a session; and a thief with a
 * browser and a phone of its own.
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
  const thief = new Browser(app)
  thief.address = '198.51.100.66'
  await thief.start()
  const bare = new Browser(app)
  bare.address = '198.51.100.66'
  const thiefsPhone = new Browser(app)
  thiefsPhone.address = '198.51.100.66'
  await thiefsPhone.signInPhone('lin')
  return { running, scanned, ended, claim, thief, bare, thiefsPhone }
}

/**
 * Every route with an id, a claim or an account, as it refuses a client that has no right to it.
 */
function refused({ running, scanned, ended, claim, thief, bare, thiefsPhone }: Awaited<ReturnType<typeof prepare>>) {
  const asks: Record<string, Ask> = {}
  const ids: Record<string, () => string> = {
    running: () => running.id,
    scanned: () => scanned.id,
    ended: () => ended.id,
    'made up': () => randomBytes(12).toString('base64url'),
    malformed: () => randomBytes(13).toString('hex'),
    long: () => randomBytes(1_000).toString('hex'),
  }
  for (const [what, id] of Object.entries(ids)) {
    const path = (after = '') => `/api/qr/${id()}${after}`
    for (const [who, by] of [
      ['thief', thief],
      ['bare', bare],
    ] as const) {
      asks[`${who}: GET ${what}`] = () => by.send('GET', path())
      asks[`${who}: long poll of ${what}`] = () => by.send('GET', path('?after=1&waitMs=25000'))
      asks[`${who}: events of ${what}`] = () => by.send('GET', path('/events'))
      asks[`${who}: match of ${what}`] = () => by.send('POST', path('/match'), { body: { number: '42' } })
      asks[`${who}: redeem of ${what}`] = () => by.send('POST', path('/redeem'), { body: { ticket: 'x'.repeat(33) } })
      asks[`${who}: DELETE ${what}`] = () => by.send('DELETE', path())
    }
  }
  for (const [method, path, body] of [
    ['POST', '/api/qr/scan', { code: 'x' }],
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
    asks[`not signed in: ${method} ${path}`] = () => bare.send(method, path, init)
    asks[`cross-site: ${method} ${path}`] = () => thief.send(method, path, { ...init, site: 'cross-site' })
  }
  asks['cross-site: POST /api/qr'] = () => bare.send('POST', '/api/qr', { site: 'cross-site' })
  asks["another's claim"] = () => thiefsPhone.send('POST', '/api/qr/cancel', { body: { claim } })
  asks["another's session"] = () => thiefsPhone.send('DELETE', `/api/sessions/${SESSION}`)
  asks["another's notice"] = () => thiefsPhone.send('POST', `/api/sessions/${SESSION}/acknowledge`)
  asks["another's phone"] = () => thiefsPhone.send('DELETE', `/api/phones/${SESSION}`)
  return asks
}

/** What is counted in the store, whatever becomes of it. */
function counted({ bare, thief, thiefsPhone, claim }: Awaited<ReturnType<typeof prepare>>): Record<string, Ask> {
  let made = 0
  const next = () => {
    made += 1
    return made
  }
  const signIn = (username: string) => bare.send('POST', '/api/phone/session', { body: { username, password: 'x' } })
  const token = { headers: { Authorization: 'Bearer x.y.z' }, site: null }
  const stranger = () => new Browser(app)
  return {
    'starts of one browser': () => thief.send('POST', '/api/qr'),
    'starts of one address': () => Object.assign(stranger(), { address: bare.address }).send('POST', '/api/qr'),
    'passwords of made-up names': () => signIn(`name ${next()}`),
    'passwords of one name': () => signIn('sam'),
    'bad tokens': () => stranger().send('GET', '/api/sessions', token),
    'made-up codes': () => thiefsPhone.send('POST', '/api/qr/scan', { body: { code: `x${next()}` } }),
    "confirms of another's claim": () => thiefsPhone.send('POST', '/api/qr/confirm', { body: { claim } }),
  }
}

/**
 * Each with a 4xx, but for what any client may ask: whether it is signed in, and to be signed out.
 */
function expectRefused(statuses: Record<string, number[]>): void {
  for (const [name, seen] of Object.entries(statuses)) {
    const isOpen = /(GET|DELETE) \/api\/(phone\/)?session$|health/.test(name)
    const isRefused = seen.every((status) => status >= 400 && status < 500)
    if (!isOpen) expect([name, seen, isRefused]).toEqual([name, seen, true])
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

  test(`${TIMES} of each refused request leave nothing`, async () => {
    app = new App(BEARER_ENV)
    const scene = await prepare()
    const [before, ticking] = [{ ...rows(), ...held() }, timers()]
    const statuses = await drive(refused(scene))
    expect({ ...rows(), ...held() }).toEqual(before)
    await expect.poll(timers).toBeLessThanOrEqual(ticking)
    expectRefused(statuses)
  }, 120_000)

  test(`${TIMES} of each counted request leave counters that are bounded, and gone when their time is over`, async () => {
    app = new App(BEARER_ENV)
    const scene = await prepare()
    const [before, ticking] = [{ ...rows(), ...held() }, timers()]
    await drive(counted(scene))
    const grown = rows()
    // The attempts of a minute from one address, the names and browsers that they came with, and no
    // more.
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
      // What is in it: what it takes in memory changes while the server resizes its tables.
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
    // Counters of a minute may have ended meanwhile; nothing may have come.
    for (const [name, bytes] of Object.entries(after)) expect([name, before[name]]).toEqual([name, bytes])
    expect(held()).toEqual(inProcess)
    expect(app.context.refusals.size).toBe(1)
    await expect.poll(timers).toBeLessThanOrEqual(ticking)
  }, 180_000)

  test(`${TIMES} of each counted request leave few keys, and each has its end`, async () => {
    const scene = await open()
    const before = await keys()
    await drive(counted(scene))
    const after = await keys()
    const added = [...after].filter(([name]) => !before.has(name))
    expect(added.filter(([name]) => name.includes('login:a:')).length).toBeLessThanOrEqual(2 * 60)
    // Two minutes may have begun while they were sent.
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
