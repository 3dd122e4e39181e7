import { describe, expect, test } from 'vitest'
import { hasRedisServer, RedisServer } from '../../../../test/support/redis-server'
import { Wire } from '../../../../test/support/wire'
import { defineScript, RedisFailure } from './redis'
import { TcpRedis } from './tcp'

const COUNT = defineScript("return redis.call('INCR', KEYS[1])")

const CLIENTS = 10
/** Per client. */
const CALLS_A_SECOND = 25
const SECONDS = 12

describe.skipIf(!hasRedisServer())('a network that loses packets', () => {
  test('1 % of chunks stalled for 600 ms: almost only calls behind a stall fail', async () => {
    const server = await RedisServer.start()
    const wire = await Wire.open(() => server.port)
    const now = () => performance.now()
    const url = `redis://127.0.0.1:${wire.port}`
    const clients = Array.from({ length: CLIENTS }, () => new TcpRedis({ url, now, onError: () => {} }))
    for (const each of clients) {
      await expect
        .poll(() =>
          each.ping().then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
    }
    wire.fault = { kind: 'stall', share: 0.01, leastMs: 600, mostMs: 600, adds: false }
    const outcomes: Promise<string>[] = []
    const call = async (redis: TcpRedis) => {
      const startedAt = now()
      const outcome = await redis.run(COUNT, ['c'], []).then(
        () => 'replied',
        (error: unknown) => (error instanceof RedisFailure ? error.kind : `threw ${error}`),
      )
      // One second, plus a margin for a busy machine.
      return now() - startedAt > 2_000 ? `${outcome}, too late` : outcome
    }
    await new Promise<void>((resolve) => {
      let rounds = 0
      const timer = setInterval(() => {
        rounds += 1
        for (const redis of clients) outcomes.push(call(redis))
        if (rounds < CALLS_A_SECOND * SECONDS) return
        clearInterval(timer)
        resolve()
      }, 1_000 / CALLS_A_SECOND)
    })
    const kinds: Record<string, number> = {}
    for (const outcome of await Promise.all(outcomes)) kinds[outcome] = (kinds[outcome] ?? 0) + 1
    const { replied = 0, late = 0, connection = 0, ...others } = kinds
    expect(others).toEqual({})
    expect(wire.stalled).toBeGreaterThan(20)
    // Calls of the first 100 ms of a stall fail: three, plus a margin for a busy machine. Two
    // stalls in a row are a second without a byte: the connection is replaced, and its pending
    // calls fail.
    const failed = late + connection
    expect(failed).toBeLessThanOrEqual(4 * wire.stalled)
    expect(failed / (replied + failed)).toBeLessThanOrEqual(0.08)
    await Promise.all(clients.map((each) => each.close()))
    await wire.close()
    await server.dispose()
  }, 60_000)
})
