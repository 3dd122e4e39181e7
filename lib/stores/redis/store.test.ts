import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { describeLimits } from '../../../test/contracts/limits'
import { describeStore } from '../../../test/contracts/store'
import { beginning, computer } from '../../../test/contracts/store-fixtures'
import { T0 } from '../../../test/support/fixtures'
import { hasRedisServer, RedisServer } from '../../../test/support/redis-server'
import { UpstashServer } from '../../../test/support/upstash-server'
import { HttpRedis } from './client/http'
import type { Redis } from './client/redis'
import { TcpRedis } from './client/tcp'
import { RedisStore } from './store'

const quiet = { now: Date.now, onError: () => {} }

/** Starts a redis-server, and opens stores on it with the given client. */
async function open(connect: (server: RedisServer) => Promise<{ redis: Redis; end: () => Promise<void> }>) {
  const server = await RedisServer.start()
  const ends: (() => Promise<void>)[] = []
  const stores: RedisStore[] = []
  const reopen = async () => {
    const { redis, end } = await connect(server)
    const process = randomUUID()
    const room = { attemptLifeMs: 3_600_000, maxAttempts: 100, maxEvents: 20, maxCountersPerRule: 50, maxRecords: 50 }
    const store = new RedisStore({ redis, prefix: 'qr:', process, now: () => T0, onError: fail, ...room })
    stores.push(store)
    ends.push(async () => {
      await store.close()
      await end()
    })
    await expect.poll(() => server.send('PUBSUB CHANNELS')).toContain(process)
    await expect.poll(() => isUp(store)).toBe(true)
    return store
  }
  const store = await reopen()
  const dispose = async () => {
    for (const end of ends) await end()
    await server.dispose()
  }
  /** The sets of watchers in the server, plus the listeners in all stores. */
  const countWatchers = async () => {
    const keys = await server.send("EVAL \"return #redis.call('KEYS', 'qr:w:*')\" 0")
    return Number(keys.slice(1)) + stores.reduce((sum, each) => sum + each.watching, 0)
  }
  return { store, limits: store, reopen, dispose, countWatchers }
}

function isUp(store: RedisStore): Promise<boolean> {
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

test.skipIf(!hasRedisServer())('a change and its event are one command, which the server runs whole', async () => {
  const server = await RedisServer.start()
  const redis = new TcpRedis({ url: server.url, ...quiet })
  const options = { redis, prefix: 'qr:', process: 'p', now: () => T0, onError: () => {}, attemptLifeMs: 60_000 }
  const store = new RedisStore(options)
  await expect.poll(() => isUp(store)).toBe(true)
  store.writeEvents(() => {})
  const commands = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.send('INFO commandstats'))?.[1])
  const before = await commands()
  await store.insertSession(beginning(computer('s1')))
  await store.revokeSession('s1', T0, 'phone')
  expect((await commands()) - before).toBe(2)
  expect(await store.countEvents()).toBe(2)
  await store.close()
  await server.dispose()
})

describe.skipIf(!hasRedisServer())('a phone session of an older version', () => {
  test('is in the list after its next use', async () => {
    const server = await RedisServer.start()
    const redis = new TcpRedis({ url: server.url, ...quiet })
    const options = { redis, prefix: 'qr:', process: 'p', now: () => T0, onError: () => {}, attemptLifeMs: 1_000 }
    const store = new RedisStore(options)
    await expect.poll(() => isUp(store)).toBe(true)
    const times = { signedInAt: T0, lastSeenAt: T0, expiresAt: T0 + 60_000, revokedAt: null }
    const old = JSON.stringify({
      kind: 'phone',
      id: 'old',
      person: { id: 'ada', name: 'Ada', avatarUrl: null },
      ...times,
    })
    await server.send(['HSET', 'qr:s:old', 'document', old])
    await server.send(['PEXPIRE', 'qr:s:old', '60000'])
    expect(await store.listSessions('ada', 'phone')).toEqual([])
    await store.touchSession('old', T0 + 1)
    expect(await store.listSessions('ada', 'phone')).toMatchObject([{ id: 'old', lastSeenAt: T0 + 1 }])
    await store.close()
    await server.dispose()
  })
})

function fail(error: unknown): never {
  throw error
}
