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

test('a token that is not accepted is a failure, and the command is in no message', async () => {
  const server = await UpstashServer.start(1)
  const redis = new HttpRedis({ url: server.url, token: 'wrong', now: Date.now, onError: () => {} })
  const error = await redis
    .run(defineScript('return 1'), ['a-key-that-is-nobodys-business'], [])
    .catch((thrown: unknown) => thrown)
  expect(String(error)).not.toContain('nobodys-business')
  await server.stop()
})

describe.skipIf(!hasRedisServer())('the stream of messages', () => {
  let redisServer: RedisServer
  let server: UpstashServer
  let redis: HttpRedis
  let heard: string[]

  beforeEach(async () => {
    redisServer = await RedisServer.start()
    server = await UpstashServer.start(redisServer.port)
    const { url, token } = server
    const rhythm = { heartbeatMs: 100, silenceMs: 400 }
    redis = new HttpRedis({ url, token, now: Date.now, onError: () => {}, rhythm })
    heard = []
    redis.listen('mine', { onMessage: (text) => heard.push(text), onGap: () => heard.push('gap') })
    await expect.poll(() => heard).toEqual(['gap'])
  })
  afterEach(async () => {
    await redis.close()
    await server.stop()
    await redisServer.dispose()
  })

  test.each([
    ['is dropped', () => server.dropStreams()],
    ['falls silent', () => server.muteStreams()],
  ])('that %s is opened again, with word of the gap', async (_, fail) => {
    fail()
    await expect.poll(() => heard, { timeout: 3_000 }).toEqual(['gap', 'gap'])
    await redisServer.send(['PUBLISH', 'mine', 'after'])
    await expect.poll(() => heard).toEqual(['gap', 'gap', 'after'])
  })

  test('that is only quiet is left alone: a heartbeat goes round', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(heard).toEqual(['gap'])
  })
})
