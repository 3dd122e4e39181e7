import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { describeLimits } from '../limits/contract'
import { HttpRedis } from '../redis/http'
import type { Redis } from '../redis/redis'
import { TcpRedis } from '../redis/tcp'
import { T0 } from '../testing/fixtures'
import { hasRedisServer, RedisServer } from '../testing/redis-server'
import { UpstashServer } from '../testing/upstash-server'
import { describeStore } from './contract'
import { RedisStore } from './redis'

const quiet = { now: Date.now, onError: () => {} }

/** A redis-server of its own, and stores on it by one of the ways. */
async function open(connect: (server: RedisServer) => Promise<{ redis: Redis; end: () => Promise<void> }>) {
  const server = await RedisServer.start()
  const ends: (() => Promise<void>)[] = []
  const reopen = async () => {
    const { redis, end } = await connect(server)
    const process = randomUUID()
    const store = new RedisStore({ redis, prefix: 'qr:', process, now: () => T0, onError: fail })
    ends.push(async () => {
      await store.close()
      await end()
    })
    await expect.poll(() => server.ask('PUBSUB CHANNELS')).toContain(process)
    await expect.poll(() => isThere(store)).toBe(true)
    return store
  }
  const store = await reopen()
  const dispose = async () => {
    for (const end of ends) await end()
    await server.dispose()
  }
  return { store, limits: store, reopen, dispose }
}

function isThere(store: RedisStore): Promise<boolean> {
  return store.ping().then(
    () => true,
    () => false,
  )
}

const overTcp = () => open(async ({ url }) => ({ redis: new TcpRedis({ url, ...quiet }), end: async () => {} }))

const overHttp = () =>
  open(async ({ port }) => {
    const upstash = await UpstashServer.start(port)
    const { url, token } = upstash
    return { redis: new HttpRedis({ url, token, ...quiet }), end: () => upstash.stop() }
  })

describe.skipIf(!hasRedisServer())('on a real redis-server', () => {
  describeStore('the store over TCP', overTcp)
  describeStore('the store over HTTP', overHttp)
  describeLimits('the limits over TCP', overTcp)
  describeLimits('the limits over HTTP', overHttp)
})

function fail(error: unknown): never {
  throw error
}
