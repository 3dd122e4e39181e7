import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { App, Browser, readFrames, signedInPhone } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { UpstashServer } from '../../test/support/upstash-server'

/** The commands of each step on a shared store, which are billed by some providers. */
const COMMANDS = { start: 1, stream: 1, scan: 3, confirm: 2, redeem: 2 }

describe.skipIf(!hasRedisServer())('the Redis commands of a complete sign-in', () => {
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

  test('over TCP, as counted by the Redis', async () => {
    expect(await countCommands({ REDIS_URL: server.url }, countSent)).toEqual(COMMANDS)
  })

  test('over HTTP, as billed by Upstash', async () => {
    const env = { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token }
    expect(await countCommands(env, async () => upstash.commands)).toEqual(COMMANDS)
  })

  test('a refusal costs no command for a malformed id, one for an unknown id, and none for counting it', async () => {
    const app = new App({ REDIS_URL: server.url }, Date.now)
    await expect.poll(() => app.context.checkReady()).toBeNull()
    const browser = new Browser(app)
    await browser.start()
    const costOf = async (path: () => string) => {
      const before = await countSent()
      for (let count = 0; count < 200; count += 1) await browser.send('GET', path())
      return (await countSent()) - before
    }
    expect(await costOf(() => `/api/qr/${randomBytes(9).toString('hex')}`)).toBe(0)
    expect(await costOf(() => `/api/qr/${randomBytes(12).toString('base64url')}`)).toBe(200)
    expect(await costOf(() => `/api/qr/${randomBytes(12).toString('base64url')}/events`)).toBe(200)
    app.dispose()
  })

  /** Commands sent by clients, without those that scripts execute inside the server. */
  async function countSent(): Promise<number> {
    const stats = await server.send('INFO commandstats')
    const sent = /cmdstat_(evalsha|eval|subscribe|unsubscribe|mget|ping):calls=(\d+)/g
    return [...stats.matchAll(sent)].reduce((sum, [, , calls]) => sum + Number(calls), 0)
  }
})

/** A complete sign-in. Returns the commands of each step. `soFar`: the total up to now. */
async function countCommands(env: Record<string, string>, soFar: () => Promise<number>): Promise<typeof COMMANDS> {
  const app = new App(env, Date.now)
  await expect.poll(() => app.context.checkReady()).toBeNull()
  const phone = await signedInPhone(app, 'ada')
  // Sends the script once in full. Later calls refer to it by its hash.
  await phone.get('GET', '/api/sessions')
  const computer = new Browser(app)
  const costOf = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const before = await soFar()
    const result = await work()
    return [result, (await soFar()) - before]
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
    // The ticket is from the stream, so the message has arrived too.
    const ticket = /"ticket":"([^"]+)"/.exec((await readFrames(frames, 2)).join())?.[1]
    await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  })
  app.dispose()
  return { start, stream, scan, confirm, redeem }
}
