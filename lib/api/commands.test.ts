import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { App, Browser, readFrames, signedInPhone } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { UpstashServer } from '../../test/support/upstash-server'

/**
 * What a complete sign-in costs on a shared store: where commands are billed, this is the price.
 * README.md states it.
 */
const COMMANDS = { start: 1, stream: 1, scan: 3, confirm: 2, redeem: 2 }

describe.skipIf(!hasRedisServer())('commands to Redis, of a complete sign-in', () => {
  let server: RedisServer
  let upstash: UpstashServer
  beforeAll(async () => {
    server = await RedisServer.start()
    upstash = await UpstashServer.start(server.port)
  })
  afterAll(async () => {
    await upstash.stop()
    await server.dispose()
  })

  test('over TCP, as the server counts them', async () => {
    expect(await countCommands({ REDIS_URL: server.url }, countOuter)).toEqual(COMMANDS)
  })

  test('over HTTP, as they are billed', async () => {
    const env = { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token }
    expect(await countCommands(env, async () => upstash.commands)).toEqual(COMMANDS)
  })

  test('a refusal costs what finding it out takes, and counting it nothing', async () => {
    const app = new App({ REDIS_URL: server.url }, Date.now)
    await expect.poll(() => app.context.checkReady()).toBeNull()
    const browser = new Browser(app)
    await browser.start()
    const costOf = async (path: () => string) => {
      const before = await countOuter()
      for (let sent = 0; sent < 200; sent += 1) await browser.send('GET', path())
      return (await countOuter()) - before
    }
    expect(await costOf(() => `/api/qr/${randomBytes(9).toString('hex')}`)).toBe(0)
    expect(await costOf(() => `/api/qr/${randomBytes(12).toString('base64url')}`)).toBe(200)
    expect(await costOf(() => `/api/qr/${randomBytes(12).toString('base64url')}/events`)).toBe(200)
    app.dispose()
  })

  /** Commands that came from outside: what scripts do inside the server is not among them. */
  async function countOuter(): Promise<number> {
    const stats = await server.send('INFO commandstats')
    const outer = /cmdstat_(evalsha|eval|subscribe|unsubscribe|mget|ping):calls=(\d+)/g
    return [...stats.matchAll(outer)].reduce((sum, [, , calls]) => sum + Number(calls), 0)
  }
})

/** A whole sign-in, and what each of its steps has cost. `soFar`: the commands up to now. */
async function countCommands(env: Record<string, string>, soFar: () => Promise<number>): Promise<typeof COMMANDS> {
  const app = new App(env, Date.now)
  await expect.poll(() => app.context.checkReady()).toBeNull()
  const phone = await signedInPhone(app, 'ada')
  // A script is sent whole once; after that by its name.
  await phone.get('GET', '/api/sessions')
  const computer = new Browser(app)
  const costOf = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const before = await soFar()
    const made = await work()
    return [made, (await soFar()) - before]
  }
  const [attempt, start] = await costOf(() => computer.start())
  const [frames, stream] = await costOf(async () => {
    const opened = await computer.send('GET', `/api/qr/${attempt.id}/events`)
    await readFrames(opened, 1)
    return opened
  })
  const [{ claim }, scan] = await costOf(() => phone.scan(attempt))
  const [, confirm] = await costOf(() => phone.get('POST', '/api/qr/confirm', { claim }))
  const [, redeem] = await costOf(async () => {
    // Told by the stream: the messages arrive, too.
    const ticket = /"ticket":"([^"]+)"/.exec((await readFrames(frames, 2)).join())?.[1]
    await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  })
  app.dispose()
  return { start, stream, scan, confirm, redeem }
}
