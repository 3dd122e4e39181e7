import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineScript, type Redis, RedisFailure } from '../../lib/stores/redis/client/redis'
import { hasRedisServer, RedisServer } from '../support/redis-server'

/** Without a redis-server the tests are reported as skipped. `npm test` provides one. */
const isSkipped = !hasRedisServer()

const INCREMENT = defineScript(`
  local count = redis.call('INCRBY', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], 60000)
  return { count, ARGV[1], false, { 'nested', 7 } }
`)

/** Runs any command in a script, as all our commands do. */
const COMMAND = defineScript('return redis.call(unpack(ARGV))')

/** The contract of every Redis client, run against a real redis-server. */
export function describeRedis(
  name: string,
  open: (server: RedisServer) => Promise<{ redis: Redis; dispose: () => Promise<void> }>,
): void {
  describe.skipIf(isSkipped)(name, () => {
    let server: RedisServer
    let redis: Redis
    let dispose: () => Promise<void>

    beforeAll(async () => {
      server = await RedisServer.start()
    })
    beforeEach(async () => {
      const opened = await open(server)
      redis = opened.redis
      dispose = opened.dispose
      await expect
        .poll(() =>
          redis.ping().then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
      await send(['FLUSHALL'])
    })
    afterEach(async () => await dispose())
    afterAll(async () => await server.dispose())

    const isThere = () =>
      redis.ping().then(
        () => true,
        () => false,
      )
    const send = (command: string[]) => redis.run(COMMAND, [], command)

    /** The outcome of a call, and whether it took longer than callers wait. */
    async function outcome(call: () => Promise<unknown>): Promise<string> {
      const startedAt = performance.now()
      const result = await call().then(
        () => 'replied',
        (error: unknown) => (error instanceof RedisFailure ? 'failed' : `threw ${error}`),
      )
      return performance.now() - startedAt > 900 ? `${result}, late` : result
    }

    test('replies are text, numbers, null, and lists of them', async () => {
      expect(await send(['SET', 'k', 'ÄÖ 你好\n"x"', 'PX', '60000'])).toBe('OK')
      expect(await send(['GET', 'k'])).toBe('ÄÖ 你好\n"x"')
      expect(await send(['GET', 'none'])).toBeNull()
      expect(await send(['SET', 'n', '12'])).toBe('OK')
      // Text that looks like a number or like JSON stays text.
      expect(await send(['MGET', 'n', 'none', 'k'])).toEqual(['12', null, 'ÄÖ 你好\n"x"'])
      expect(await send(['STRLEN', 'n'])).toBe(2)
    })

    test('a script runs, also after the server has dropped it from its cache', async () => {
      expect(await redis.run(INCREMENT, ['c'], ['5'])).toEqual([5, '5', null, ['nested', 7]])
      await server.send('SCRIPT FLUSH')
      expect(await redis.run(INCREMENT, ['c'], ['2'])).toEqual([7, '2', null, ['nested', 7]])
    })

    test('50 concurrent scripts increment a counter to 50', async () => {
      await Promise.all(Array.from({ length: 50 }, () => redis.run(INCREMENT, ['c'], ['1'])))
      expect(await send(['GET', 'c'])).toBe('50')
    })

    test('an error reply about the command is not a failure of the server', async () => {
      await send(['SET', 'text', 'x'])
      expect(await outcome(() => send(['INCR', 'text']))).toMatch(/^threw/)
      expect(await outcome(() => redis.run(defineScript('return nonsense('), [], []))).toMatch(/^threw/)
      expect(await outcome(() => redis.ping())).toBe('replied')
    })

    test('receives messages of its channel only, from the first reported gap on', async () => {
      const events: string[] = []
      redis.subscribe('mine', { onMessage: (text) => events.push(text), onGap: () => events.push('gap') })
      await expect.poll(() => events).toEqual(['gap'])
      for (const [channel, text] of [
        ['mine', '1'],
        ['other', '2'],
        ['mine', '{"a":"3,你好"}'],
      ] as const) {
        await send(['PUBLISH', channel, text])
      }
      await expect.poll(() => events).toEqual(['gap', '1', '{"a":"3,你好"}'])
    })

    test('a server that hangs: calls fail in time, the circuit opens, and it closes soon after the server continues', async () => {
      server.freeze()
      const results = await Promise.all(Array.from({ length: 10 }, () => outcome(() => send(['GET', 'k']))))
      expect(new Set(results)).toEqual(new Set(['failed']))
      const kinds: string[] = []
      const kindOf = (error: RedisFailure) => error.kind
      await expect
        .poll(
          async () => {
            for (let count = 0; count < 100; count += 1) kinds.push(await send(['GET', 'k']).then(String, kindOf))
            return kinds.slice(-100)
          },
          { timeout: 6_000 },
        )
        .toEqual(Array(100).fill('breaker'))
      // Only the calls before the circuit opened have waited.
      expect(kinds.filter((kind) => kind === 'late').length).toBeLessThanOrEqual(5)
      server.thaw()
      await expect.poll(isThere, { timeout: 3_000 }).toBe(true)
    })

    test('a server that is down: calls fail; after its return calls and messages work, and the gap is reported', async () => {
      const events: string[] = []
      redis.subscribe('mine', { onMessage: (text) => events.push(text), onGap: () => events.push('gap') })
      await expect.poll(() => events).toEqual(['gap'])
      await server.kill()
      await expect.poll(() => outcome(() => redis.ping())).toBe('failed')
      await server.start()
      await expect.poll(isThere, { timeout: 3_000 }).toBe(true)
      await expect.poll(() => events, { timeout: 4_000 }).toEqual(['gap', 'gap'])
      await send(['PUBLISH', 'mine', 'after'])
      await expect.poll(() => events.at(-1)).toBe('after')
    })

    test('after close every call fails without the server, and close may be repeated', async () => {
      const { redis: closed } = await open(server)
      await expect.poll(() => outcome(() => closed.ping())).toBe('replied')
      await closed.close()
      const calls = [
        () => closed.ping(),
        () => closed.run(COMMAND, [], ['SET', 'k', 'v']),
        () => closed.run(INCREMENT, ['k'], ['1']),
      ]
      for (const call of calls) await expect(call()).rejects.toMatchObject({ kind: 'connection' })
      expect(await send(['EXISTS', 'k'])).toBe(0)
      await closed.close()
    })

    test('a server that starts later than the client is found when it starts', async () => {
      await server.kill()
      const late = await open(server)
      const events: string[] = []
      late.redis.subscribe('mine', { onMessage: (text) => events.push(text), onGap: () => events.push('gap') })
      expect(await outcome(() => late.redis.ping())).toBe('failed')
      await server.start()
      await expect.poll(() => events, { timeout: 4_000 }).toEqual(['gap'])
      await expect
        .poll(
          () =>
            late.redis.ping().then(
              () => true,
              () => false,
            ),
          { timeout: 3_000 },
        )
        .toBe(true)
      await late.dispose()
    })
  })
}
