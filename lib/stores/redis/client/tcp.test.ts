import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeRedis } from '../../../../test/contracts/redis-client'
import { hasRedisServer, RedisServer } from '../../../../test/support/redis-server'
import { Wire } from '../../../../test/support/wire'
import { TcpRedis } from './tcp'

describeRedis('Redis over TCP', async ({ url }) => {
  const redis = new TcpRedis({ url, now: Date.now, onError: () => {} })
  return { redis, dispose: () => redis.close() }
})

describe.skipIf(!hasRedisServer())('a subscriber connection', () => {
  let server: RedisServer
  let wire: Wire
  let redis: TcpRedis
  let events: string[]

  beforeEach(async () => {
    server = await RedisServer.start()
    wire = await Wire.open(() => server.port)
    const probe = { intervalMs: 100, timeoutMs: 300 }
    redis = new TcpRedis({ url: `redis://127.0.0.1:${wire.port}`, now: Date.now, onError: () => {}, probe })
    events = []
    redis.subscribe('mine', { onMessage: (text) => events.push(text), onGap: () => events.push('gap') })
    await expect.poll(() => events).toEqual(['gap'])
  })
  afterEach(async () => {
    await redis.close()
    await wire.close()
    await server.dispose()
  })

  test('that is half-open is replaced although no command is sent, and the gap is reported', async () => {
    wire.silence()
    await expect.poll(() => events, { timeout: 3_000 }).toEqual(['gap', 'gap'])
    await server.send(['PUBLISH', 'mine', 'after'])
    await expect.poll(() => events).toEqual(['gap', 'gap', 'after'])
  })

  test('that is lost before it was ready is replaced, and so is the connection for commands', async () => {
    events = []
    wire.isSilent = true
    wire.disconnect()
    const isThere = () =>
      redis.ping().then(
        () => true,
        () => false,
      )
    await expect.poll(isThere).toBe(false)
    // By now both wait for the first reply of a server that never sends it.
    await new Promise((resolve) => setTimeout(resolve, 300))
    wire.isSilent = false
    await expect.poll(isThere, { timeout: 3_000 }).toBe(true)
    await expect.poll(() => events, { timeout: 3_000 }).toContain('gap')
    await server.send(['PUBLISH', 'mine', 'after'])
    await expect.poll(() => events.at(-1), { timeout: 3_000 }).toBe('after')
  })

  test('that is only idle is not replaced', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(events).toEqual(['gap'])
  })
})

test.skipIf(!hasRedisServer())(
  'a call that is pending at close opens no connection in place of the closed one',
  async () => {
    const server = await RedisServer.start()
    let time = 0
    const redis = new TcpRedis({ url: server.url, now: () => time, onError: () => {} })
    await expect
      .poll(() =>
        redis.ping().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
    server.freeze()
    const pending = redis.ping()
    // Later than the minimum time between two replacements.
    time += 2_000
    await redis.close()
    await expect(pending).rejects.toMatchObject({ kind: 'connection' })
    await expect(redis.confirmDurable('k')).rejects.toMatchObject({ kind: 'connection' })
    server.thaw()
    // The connection that asks.
    await expect.poll(() => server.send('INFO clients')).toContain('connected_clients:1\r\n')
    await server.dispose()
  },
)
