import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeRedis } from '../../../../test/contracts/redis-client'
import { hasRedisServer, RedisServer } from '../../../../test/support/redis-server'
import { UpstashServer } from '../../../../test/support/upstash-server'
import { HttpRedis } from './http'
import { defineScript } from './redis'

describeRedis('Redis over HTTP', async ({ port }) => {
  const server = await UpstashServer.start(port)
  const { url, token } = server
  const redis = new HttpRedis({ url, token, now: Date.now, onError: () => {} })
  return {
    redis,
    dispose: async () => {
      await redis.close()
      await server.stop()
    },
  }
})

test('a refused token is a failure, and its error does not contain the command', async () => {
  const server = await UpstashServer.start(1)
  const redis = new HttpRedis({ url: server.url, token: 'wrong', now: Date.now, onError: () => {} })
  const error = await redis.run(defineScript('return 1'), ['a-private-key'], []).catch((thrown: unknown) => thrown)
  expect(String(error)).not.toContain('a-private-key')
  await server.stop()
})

describe.skipIf(!hasRedisServer())('the message stream', () => {
  let redisServer: RedisServer
  let server: UpstashServer
  let redis: HttpRedis
  let events: string[]

  beforeEach(async () => {
    redisServer = await RedisServer.start()
    server = await UpstashServer.start(redisServer.port)
    const { url, token } = server
    const heartbeat = { intervalMs: 100, timeoutMs: 400 }
    redis = new HttpRedis({ url, token, now: Date.now, onError: () => {}, heartbeat })
    events = []
    redis.subscribe('mine', { onMessage: (text) => events.push(text), onGap: () => events.push('gap') })
    await expect.poll(() => events).toEqual(['gap'])
  })
  afterEach(async () => {
    await redis.close()
    await server.stop()
    await redisServer.dispose()
  })

  test.each([
    ['is dropped', () => server.dropStreams()],
    ['falls silent', () => server.muteStreams()],
  ])('that %s is opened again, and the gap is reported', async (_, fail) => {
    fail()
    await expect.poll(() => events, { timeout: 3_000 }).toEqual(['gap', 'gap'])
    await redisServer.send(['PUBLISH', 'mine', 'after'])
    await expect.poll(() => events).toEqual(['gap', 'gap', 'after'])
  })

  test('that is only idle stays open: it receives its own heartbeats', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(events).toEqual(['gap'])
  })
})
