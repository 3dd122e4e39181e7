import { describe, expect, test } from 'vitest'
import { COMPUTER } from '../../test/support/fixtures'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { parseConfig } from './config'
import { createQrLogin } from './create-server'

describe.skipIf(!hasRedisServer())('two instances whose clocks are ten seconds apart', () => {
  test('agree on the expiry of an attempt and of a limit, to within a second', async () => {
    const server = await RedisServer.start()
    const open = (skewMs: number) => {
      const env = {
        NODE_ENV: 'production',
        PUBLIC_ORIGIN: 'https://login.example.com',
        SESSION_SECRET: 'a secret for tests that is long enough',
        REDIS_URL: server.url,
        LOG_LEVEL: 'silent',
      }
      const config = parseConfig(env, { lanAddress: null, loadSecret: () => '' })
      const { context, close } = createQrLogin({ config, now: () => Date.now() + skewMs })
      return { ...context, close }
    }
    const [ahead, behind] = [open(5_000), open(-5_000)] as const
    await expect.poll(() => behind.checkReady()).toBeNull()
    await expect.poll(() => ahead.checkReady()).toBeNull()
    const browserHash = hashBrowserSecret('secret')
    const readBy = async ({ attempts }: typeof ahead, id: string) =>
      attempts.view(await attempts.requireOwn(id, browserHash)).expiresInMs

    const started = await ahead.attempts.start(
      { ...COMPUTER, browserHash },
      ahead.limiter.start(browserHash, [{ key: 'here', factor: 1 }]),
    )
    expect(started.expiresInMs).toBeGreaterThan(299_000)
    await expect.poll(async () => Math.abs((await readBy(behind, started.id)) - 300_000)).toBeLessThan(1_500)
    expect(Math.abs((await readBy(ahead, started.id)) - (await readBy(behind, started.id)))).toBeLessThan(1_000)

    for (let count = 1; count < 6; count += 1)
      await ahead.limiter.pass(ahead.limiter.start(browserHash, [{ key: 'here', factor: 1 }]))
    const refused = await behind.limiter
      .pass(behind.limiter.start(browserHash, [{ key: 'here', factor: 1 }]))
      .catch((error) => error)
    expect(refused.facts.retryAfterS).toBeGreaterThan(56)
    expect(refused.facts.retryAfterS).toBeLessThanOrEqual(61)
    for (const instance of [ahead, behind]) instance.close()
    await server.dispose()
  })
})
