import { expect, test } from 'vitest'
import { UpstashServer } from '../testing/upstash-server'
import { describeRedis } from './contract'
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
