import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptView } from '../attempt/views'
import { App, Browser, codeOf, readFrames, signedInPhone } from '../testing/app'
import { hasRedisServer, RedisServer } from '../testing/redis-server'

/** What a complete sign-in costs on a shared store: where commands are billed, this is the price. README.md states it. */
const COMMANDS = { start: 1, stream: 1, scan: 3, confirm: 2, redeem: 2 }

describe.skipIf(!hasRedisServer())('commands to Redis', () => {
  let server: RedisServer
  let app: App
  beforeAll(async () => {
    server = await RedisServer.start()
    app = new App({ REDIS_URL: server.url }, Date.now)
  })
  afterAll(async () => {
    app.dispose()
    await server.dispose()
  })

  /** Commands that came from outside: what scripts do inside the server is not among them. */
  async function count(work: () => Promise<unknown>): Promise<number> {
    await server.ask('CONFIG RESETSTAT')
    await work()
    const stats = await server.ask('INFO commandstats')
    const outer = /cmdstat_(evalsha|eval|subscribe|unsubscribe|mget|ping):calls=(\d+)/g
    return [...stats.matchAll(outer)].reduce((sum, [, , calls]) => sum + Number(calls), 0)
  }

  test('of a complete sign-in', async () => {
    await expect.poll(() => app.services.checkReady()).toBeNull()
    const phone = await signedInPhone(app, 'ada')
    // A script is sent whole once; after that by its name.
    await phone.get('GET', '/api/sessions')
    const computer = new Browser(app)
    let attempt = {} as AttemptView
    let stream = {} as Response
    let claim = ''
    const counted = {
      start: await count(async () => {
        attempt = await computer.start()
      }),
      stream: await count(async () => {
        stream = await computer.send('GET', `/api/qr/${attempt.id}/events`)
        await readFrames(stream, 1)
      }),
      scan: await count(async () => {
        claim = (await phone.scan(attempt)).claim
      }),
      confirm: await count(() => phone.get('POST', '/api/qr/confirm', { claim })),
      redeem: await count(async () => {
        const frames = await readFrames(stream, 2)
        const ticket = /"ticket":"([^"]+)"/.exec(frames.join())?.[1]
        await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
      }),
    }
    expect(counted).toEqual(COMMANDS)
    expect(codeOf(attempt)).not.toBe('')
  })
})
