import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Agent } from './support/agent'
import { EventLog } from './support/event-log'
import { FakeClock, hasFakeClock } from './support/fake-clock'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

const DAY_S = 86_400
const ORIGIN = 'https://login.example.com'
const SHORT_CODES = { CODE_PERIOD_S: '1', MATCH_POLICY: 'never' }

test.skip(!hasFakeClock() && !process.env.CI, 'there is no libfaketime on this machine')

const codeOf = (url: string) => url.split('#')[1]

async function signIn(computer: Agent, phone: Agent): Promise<void> {
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: codeOf(attempt.code.url) })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
}

/** A signed-in computer with open pages, and a browser with a pending attempt. */
class Scene {
  /** The origin of the instance for the next request. */
  readonly to: () => string
  readonly phone: Agent
  readonly computer: Agent
  readonly waiting: Agent
  /** Two of each: with two instances, one stream is on each. */
  accounts: EventLog[] = []
  attempts: EventLog[] = []

  constructor(to: () => string) {
    this.to = to
    this.phone = new Agent(to, ORIGIN)
    this.computer = new Agent(to, ORIGIN)
    this.waiting = new Agent(to, ORIGIN)
  }

  async open(): Promise<void> {
    await this.phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
    await signIn(this.computer, this.phone)
    const { json } = await this.waiting.send('POST', '/api/qr', {})
    for (let count = 0; count < 2; count += 1) {
      this.accounts.push(new EventLog(await this.computer.open('GET', '/api/account/events')))
      this.attempts.push(new EventLog(await this.waiting.open('GET', `/api/qr/${json.id}/events`)))
    }
    await this.#expectCodes(1)
  }

  /** The newest code that the streams have received. */
  get code(): string | undefined {
    return codeOf(this.attempts[0]?.last('code').url)
  }

  /** Codes rotate and expire, a sign-in works, and no session or stream has ended. */
  async expectWorking(): Promise<void> {
    const old = this.code
    await this.#expectCodes(3)
    const expired = await this.phone.send('POST', '/api/qr/scan', { code: old })
    expect([expired.status, expired.json.code]).toEqual([410, 'code_expired'])
    await signIn(new Agent(this.to, ORIGIN), this.phone)
    expect((await this.computer.send('GET', '/api/session')).json.signedIn).toBe(true)
    for (const log of [...this.accounts, ...this.attempts]) {
      expect([log.count('signed_out'), log.isOver]).toEqual([0, false])
    }
    expect((await fetch(`${this.to()}/api/health/ready`)).status).toBe(200)
  }

  async #expectCodes(more: number): Promise<void> {
    const before = this.attempts.map((log) => log.count('code'))
    await until(() => this.attempts.every((log, index) => log.count('code') >= (before[index] ?? 0) + more))
  }

  /** Exhausts the limit of five wrong passwords a minute. Returns its `Retry-After` in s. */
  async exhaustPasswordLimit(): Promise<number> {
    for (let count = 0; count < 6; count += 1) {
      const response = await this.phone.open('POST', '/api/phone/session', { username: 'lin', password: 'wrong' })
      await response.text()
      if (response.status === 429) return Number(response.headers.get('Retry-After'))
    }
    return 0
  }
}

test('the clock is set by a day on the embedded store: codes, streams, limits and sessions continue', async () => {
  const clock = new FakeClock()
  const server = new Server(await freePort(), {
    ...SHORT_CODES,
    ...clock.settings,
    PUBLIC_ORIGIN: ORIGIN,
    RATE_LIMIT_SCALE: '1',
    SESSION_IDLE_TTL_S: '3600',
  })
  await server.start()
  const scene = new Scene(() => server.origin)
  await scene.open()
  expect(await scene.exhaustPasswordLimit()).toBeGreaterThan(50)
  for (const offsetS of [-DAY_S, DAY_S]) {
    clock.set(offsetS)
    await until(() => server.output.includes(`"offsetMs":${offsetS < 0 ? '-86' : '86'}`))
    await scene.expectWorking()
    const waitS = await scene.exhaustPasswordLimit()
    expect(waitS).toBeGreaterThan(0)
    expect(waitS).toBeLessThanOrEqual(60)
  }
  await server.dispose()
  clock.dispose()
})

test('the clock is set back by a day before a restart: codes have expired, limits last one window at most, sessions live', async () => {
  const clock = new FakeClock()
  const settings = { ...SHORT_CODES, ...clock.settings, PUBLIC_ORIGIN: ORIGIN, RATE_LIMIT_SCALE: '1' }
  const server = new Server(await freePort(), settings)
  await server.start()
  const scene = new Scene(() => server.origin)
  await scene.open()
  expect(await scene.exhaustPasswordLimit()).toBeGreaterThan(50)
  await server.end('SIGKILL')
  clock.set(-DAY_S)
  await server.start()
  const expired = await scene.phone.send('POST', '/api/qr/scan', { code: scene.code })
  expect([expired.status, expired.json.code]).toEqual([410, 'code_expired'])
  const waitS = await scene.exhaustPasswordLimit()
  expect(waitS).toBeGreaterThan(0)
  expect(waitS).toBeLessThanOrEqual(60)
  expect((await scene.computer.send('GET', '/api/session')).json.signedIn).toBe(true)
  await signIn(new Agent(server.origin, ORIGIN), scene.phone)
  await server.dispose()
  clock.dispose()
})

test.describe('on a shared store', () => {
  test.skip(!hasRedisServer() && !process.env.CI, 'there is no redis-server on this machine')

  test('the clock of one of two instances is set: both use the clock of the Redis, also after its outage', async () => {
    const redis = await RedisServer.start()
    const clock = new FakeClock()
    const settings = { ...SHORT_CODES, PUBLIC_ORIGIN: ORIGIN, SESSION_SECRET: 'the secret that both instances share' }
    const open = async (more: Record<string, string>) => {
      const server = new Server(await freePort(), { ...settings, REDIS_URL: redis.url, ...more })
      await server.start()
      return server
    }
    const [right, wrong] = [await open({}), await open(clock.settings)]
    let at = 0
    const scene = new Scene(() => {
      at += 1
      return (at % 2 === 0 ? right : wrong).origin
    })
    await scene.open()
    for (const offsetS of [-DAY_S, DAY_S]) {
      clock.set(offsetS)
      await scene.expectWorking()
    }
    redis.freeze()
    await until(async () => (await fetch(`${wrong.origin}/api/health/ready`)).status === 503)
    clock.set(-DAY_S)
    redis.thaw()
    await until(async () => (await fetch(`${wrong.origin}/api/health/ready`)).status === 200)
    await until(async () => (await fetch(`${right.origin}/api/health/ready`)).status === 200)
    await scene.expectWorking()
    for (const server of [right, wrong]) await server.dispose()
    await redis.dispose()
    clock.dispose()
  })

  test('the clock of the Redis is set: the instances follow it, and a sign-in works immediately', async () => {
    const clock = new FakeClock()
    // jemalloc reads the time before libfaketime is initialised, so Redis gets the allocator of
    // libc.
    const redis = await RedisServer.start([], {
      ...clock.settings,
      LD_PRELOAD: `${clock.settings.LD_PRELOAD}:libc.so.6`,
    })
    const server = new Server(await freePort(), { ...SHORT_CODES, PUBLIC_ORIGIN: ORIGIN, REDIS_URL: redis.url })
    await server.start()
    const [phone, computer] = [1, 2].map(() => new Agent(() => server.origin, ORIGIN)) as [Agent, Agent]
    await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
    await signIn(computer, phone)
    for (const offsetS of [-DAY_S, 0]) {
      clock.set(offsetS)
      const steps = () => server.output.split('"the clock of the store was set').length - 1
      const before = steps()
      // Every response of the Redis includes its time.
      await until(async () => {
        await computer.send('GET', '/api/session')
        return steps() > before
      })
      await signIn(new Agent(() => server.origin, ORIGIN), phone)
      expect((await computer.send('GET', '/api/session')).json.signedIn).toBe(true)
    }
    await server.dispose()
    await redis.dispose()
    clock.dispose()
  })
})
