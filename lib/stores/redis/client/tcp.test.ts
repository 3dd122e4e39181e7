import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeRedis } from '../../../../test/contracts/redis-client'
import { hasRedisServer, RedisServer } from '../../../../test/support/redis-server'
import { Wire } from '../../../../test/support/wire'
import { TcpRedis } from './tcp'

describeRedis('Redis over TCP', async ({ url }) => {
  const redis = new TcpRedis({ url, now: Date.now, onError: () => {} })
  return { redis, dispose: () => redis.close() }
})

describe.skipIf(!hasRedisServer())('a connection for messages', () => {
  let server: RedisServer
  let wire: Wire
  let redis: TcpRedis
  let heard: string[]

  beforeEach(async () => {
    server = await RedisServer.start()
    wire = await Wire.open(() => server.port)
    const rhythm = { everyMs: 100, withinMs: 300 }
    redis = new TcpRedis({ url: `redis://127.0.0.1:${wire.port}`, now: Date.now, onError: () => {}, rhythm })
    heard = []
    redis.listen('mine', { onMessage: (text) => heard.push(text), onGap: () => heard.push('gap') })
    await expect.poll(() => heard).toEqual(['gap'])
  })
  afterEach(async () => {
    await redis.close()
    await wire.close()
    await server.dispose()
  })

  test('that died in silence is replaced though nobody asks for anything, with word of the gap', async () => {
    wire.silence()
    await expect.poll(() => heard, { timeout: 3_000 }).toEqual(['gap', 'gap'])
    await server.send(['PUBLISH', 'mine', 'after'])
    await expect.poll(() => heard).toEqual(['gap', 'gap', 'after'])
  })

  test('that dies before it was ready is replaced too, and so is that for commands', async () => {
    heard = []
    wire.isSilent = true
    wire.disconnect()
    const isThere = () =>
      redis.ping().then(
        () => true,
        () => false,
      )
    await expect.poll(isThere).toBe(false)
    // By now both wait for the first word of a server that will never say it.
    await new Promise((resolve) => setTimeout(resolve, 300))
    wire.isSilent = false
    await expect.poll(isThere, { timeout: 3_000 }).toBe(true)
    await expect.poll(() => heard, { timeout: 3_000 }).toContain('gap')
    await server.send(['PUBLISH', 'mine', 'after'])
    await expect.poll(() => heard.at(-1), { timeout: 3_000 }).toBe('after')
  })

  test('that is only quiet is left alone', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(heard).toEqual(['gap'])
  })
})
