import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Counter, FullError, type Limits } from '../../lib/core/rate-limit/limits'
import { T0 } from '../support/fixtures'

export interface LimitsUnderTest {
  /** With a capacity of 50 counters per rule. */
  limits: Limits
  /** Another connection to the same data, as after a restart or from another server. */
  reopen: () => Promise<Limits>
  dispose: () => Promise<void>
}

const CONCURRENCY = 100
const DAY_MS = 24 * 3_600_000

/** The contract of all limits. Each adapter's test runs it on the real store. */
export function describeLimits(name: string, open: () => Promise<LimitsUnderTest>): void {
  describe(name, () => {
    let opened: LimitsUnderTest
    let limits: Limits
    beforeEach(async () => {
      opened = await open()
      limits = opened.limits
    })
    afterEach(async () => await opened.dispose())

    const counter = (key: string, facts: Partial<Omit<Counter, 'key'>> = {}): Counter => ({
      rule: 'rule',
      key,
      limit: 3,
      windowMs: 60_000,
      counts: true,
      ...facts,
    })
    const takeOften = async (times: number, counters: Counter[], now = T0, on = limits) =>
      await Promise.all(Array.from({ length: times }, async () => await on.take(counters, now)))

    test('grants up to the limit, then returns the ms to wait', async () => {
      expect(await takeOften(4, [counter('a')])).toEqual([0, 0, 0, 60_000])
      expect(await limits.take([counter('a')], T0 + 59_999)).toBe(1)
      expect(await limits.take([counter('b')], T0)).toBe(0)
    })

    test('starts a new window after the old one, which begins with its first count', async () => {
      await limits.take([counter('a')], T0 + 1_000)
      await takeOften(3, [counter('a')], T0 + 50_000)
      expect(await limits.take([counter('a')], T0 + 60_999)).toBe(1)
      expect(await takeOften(4, [counter('a')], T0 + 61_000)).toEqual([0, 0, 0, 60_000])
    })

    test('counts for all counters or none', async () => {
      const narrow = counter('narrow', { limit: 1 })
      const wide = counter('wide', { limit: 3 })
      expect(await limits.take([narrow, wide], T0)).toBe(0)
      expect(await takeOften(5, [narrow, wide])).toEqual(Array(5).fill(60_000))
      expect(await takeOften(3, [wide])).toEqual([0, 0, 60_000])
    })

    test('returns the longest wait of the exhausted counters', async () => {
      const short = counter('short', { limit: 1, windowMs: 10_000 })
      const long = counter('long', { limit: 1, windowMs: 600_000 })
      await limits.take([short, long], T0)
      expect(await limits.take([short, long], T0)).toBe(600_000)
      expect(await limits.take([long, short], T0 + 10_000)).toBe(590_000)
    })

    test('checks a counter without counting', async () => {
      const look = counter('a', { counts: false })
      expect(await takeOften(10, [look])).toEqual(Array(10).fill(0))
      await takeOften(3, [counter('a')])
      expect(await limits.take([look, counter('b', { limit: 1 })], T0)).toBe(60_000)
      expect(await limits.take([counter('b', { limit: 1 })], T0)).toBe(0)
    })

    test('shares its counters with processes that have another first secret', async () => {
      const old = counter('old')
      const during = counter('new', { aliases: ['old'] })
      await takeOften(2, [old])
      expect(await takeOften(2, [during])).toEqual([0, 60_000])
      expect(await limits.take([counter('old', { aliases: ['new'] })], T0)).toBe(60_000)
      // Without the older secret, its counts do not apply.
      expect(await takeOften(3, [counter('new')])).toEqual([0, 0, 60_000])
    })

    test('gives counts back, never below 0', async () => {
      const look = counter('a', { counts: false })
      await takeOften(3, [counter('a')])
      await limits.giveBack([counter('a'), look], T0)
      expect(await takeOften(2, [counter('a')])).toEqual([0, 60_000])
      for (let index = 0; index < 5; index += 1) await limits.giveBack([counter('a')], T0)
      await limits.giveBack([counter('unknown')], T0)
      expect(await takeOften(4, [counter('a')])).toEqual([0, 0, 0, 60_000])
    })

    test('a full rule refuses new counters, keeps its existing ones, and does not affect other rules', async () => {
      await takeOften(1, [counter('mine')])
      const results = await Promise.allSettled(
        Array.from({ length: 200 }, async (_, index) => await limits.take([counter(`unknown ${index}`)], T0)),
      )
      const refused = results.filter((result) => result.status === 'rejected')
      expect(refused).toHaveLength(200 - 49)
      for (const { reason } of refused) expect(reason).toBeInstanceOf(FullError)
      expect(await takeOften(3, [counter('mine')])).toEqual([0, 0, 60_000])
      expect(await limits.take([counter('another', { rule: 'other rule' })], T0)).toBe(0)
      // All or none: a counter together with a full rule is not counted.
      const shared = [counter('shared', { rule: 'other rule' }), counter('one more')]
      await expect(async () => await limits.take(shared, T0)).rejects.toThrow(FullError)
      expect(await takeOften(3, [counter('shared', { rule: 'other rule' })])).toEqual([0, 0, 0])
      // Expired windows free their capacity, after two windows at the latest.
      expect(await limits.take([counter('later')], T0 + 120_000)).toBe(0)
    })

    test('after the clock was set back a counter is exhausted for one window at most', async () => {
      await takeOften(3, [counter('full')], T0 + DAY_MS)
      await takeOften(2, [counter('open')], T0 + DAY_MS)
      expect(await limits.take([counter('full')], T0)).toBe(60_000)
      expect(await takeOften(2, [counter('open')])).toEqual([0, 60_000])
      expect(await limits.take([counter('full')], T0 + 59_999)).toBe(1)
      expect(await limits.take([counter('open')], T0 + 59_999)).toBe(1)
      expect(await takeOften(4, [counter('full')], T0 + 60_000)).toEqual([0, 0, 0, 60_000])
    })

    test(`is exact for ${CONCURRENCY} concurrent requests on two connections`, async () => {
      const other = await opened.reopen()
      const counters = [counter('a', { limit: 17 }), counter('b', { limit: 60 })]
      const waits = await Promise.all([
        takeOften(CONCURRENCY / 2, counters),
        takeOften(CONCURRENCY / 2, counters, T0, other),
      ])
      expect(waits.flat().filter((wait) => wait === 0)).toHaveLength(17)
    })

    test('survives a restart', async () => {
      await takeOften(3, [counter('a')])
      await limits.takeOnce('n', T0 + 60_000, T0)
      const again = await opened.reopen()
      expect(await again.take([counter('a')], T0)).toBe(60_000)
      expect(await again.takeOnce('n', T0 + 60_000, T0)).toBe(false)
    })

    test(`of ${CONCURRENCY} concurrent uses of a key exactly one is the first`, async () => {
      const other = await opened.reopen()
      const uses = await Promise.all(
        Array.from(
          { length: CONCURRENCY },
          async (_, index) => await (index % 2 === 0 ? limits : other).takeOnce('n', T0 + 120_000, T0),
        ),
      )
      expect(uses.filter((isFirst) => isFirst)).toHaveLength(1)
      expect(await limits.takeOnce('m', T0 + 120_000, T0)).toBe(true)
    })

    test('a used key is free after its expiry, swept or not', async () => {
      await limits.takeOnce('n', T0 + 1_000, T0)
      expect(await limits.takeOnce('n', T0 + 2_000, T0 + 999)).toBe(false)
      expect(await limits.takeOnce('n', T0 + 2_000, T0 + 1_000)).toBe(true)
      expect(await limits.takeOnce('n', T0 + 3_000, T0 + 1_500)).toBe(false)
    })
  })
}
