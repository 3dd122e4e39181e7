import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { beginning, computer } from '../../../test/contracts/store-fixtures'
import { ADA, T0 } from '../../../test/support/fixtures'
import { hasRedisServer, RedisServer } from '../../../test/support/redis-server'
import type { EndedSession } from '../../core/store'
import { TcpRedis } from './client/tcp'
import { RedisStore } from './store'

const SESSIONS = 3_000

/** Commands within one step: at most 12 for each of its 64 sessions. */
const MAX_COMMANDS_PER_STEP = 64 * 12

/** A person with far more sessions than allowed, as older versions could leave them. */
describe.skipIf(!hasRedisServer())(`a person with ${SESSIONS} sessions`, () => {
  let server: RedisServer
  let store: RedisStore
  let later: EndedSession[]

  beforeEach(async () => {
    server = await RedisServer.start()
    const redis = new TcpRedis({ url: server.url, now: () => performance.now(), onError: () => {} })
    later = []
    const onEnded = (ended: readonly EndedSession[]) => void later.push(...ended)
    const options = { redis, prefix: 'qr:', process: 'p', now: () => T0, onError: fail, onEnded }
    store = new RedisStore({ ...options, attemptLifeMs: 1_000 })
    await store.ping()
    const insert = `for at = 1, ${SESSIONS} do
      redis.call('HSET', 'qr:s:old' .. at, 'document', ARGV[1], 'seen', ARGV[2])
      redis.call('PEXPIRE', 'qr:s:old' .. at, 600000)
      redis.call('ZADD', 'qr:i:ada', ARGV[2] - at, 'old' .. at)
    end`
    await server.send(['EVAL', insert, '0', JSON.stringify(computer('old')), String(T0)])
    await server.send('CONFIG RESETSTAT')
  })
  afterEach(async () => {
    await store.close()
    await server.dispose()
  })

  /** `inner`: the commands within scripts. `steps`: the scripts. */
  async function countCommands(): Promise<{ inner: number; steps: number }> {
    const stats = await server.send('INFO commandstats')
    const calls = [...stats.matchAll(/cmdstat_(\S+):calls=(\d+)/g)].map(([, name, count]) => [name, Number(count)])
    const isOuter = (name: unknown) => /^(eval|evalsha|config\|.*|info)$/.test(String(name))
    const sum = (outer: boolean) =>
      calls.filter(([name]) => isOuter(name) === outer).reduce((all, [, count]) => all + Number(count), 0)
    return { inner: sum(false), steps: calls.find(([name]) => name === 'evalsha')?.[1] as number }
  }

  const live = () => server.send('ZCARD qr:i:ada')

  test('a sign-in returns after the first step, and further small steps end the rest', async () => {
    const ended = await store.insertSession(beginning(computer('new', ADA.person, T0 + 1), { keeps: 20 }))
    expect(ended).toHaveLength(64)
    await expect.poll(live, { timeout: 10_000 }).toBe(':20\r\n')
    await expect.poll(() => later.length).toBe(SESSIONS + 1 - 20 - 64)
    const { inner, steps } = await countCommands()
    expect(steps).toBeGreaterThanOrEqual(Math.ceil((SESSIONS - 20) / 64))
    expect(inner / steps).toBeLessThanOrEqual(MAX_COMMANDS_PER_STEP)
    const [first] = await store.listSessions('ada', 'computer')
    expect(first?.id).toBe('new')
  })

  test('a sign-out everywhere ends all except one, in small steps', async () => {
    const which = { kind: 'computer', exceptId: 'old7', now: T0, by: 'phone' } as const
    expect(await store.revokeSessions('ada', which)).toHaveLength(SESSIONS - 1)
    expect(await live()).toBe(':1\r\n')
    const { inner, steps } = await countCommands()
    expect(steps).toBeGreaterThanOrEqual(Math.ceil(SESSIONS / 64) - 1)
    expect(inner / steps).toBeLessThanOrEqual(MAX_COMMANDS_PER_STEP)
  })

  test('a list reads the newest 1,000 only', async () => {
    const listed = await store.listSessions('ada', 'computer')
    expect(listed).toHaveLength(1_000)
    const { inner } = await countCommands()
    expect(inner).toBeLessThanOrEqual(1_010)
  })
})

function fail(error: unknown): never {
  throw error
}
