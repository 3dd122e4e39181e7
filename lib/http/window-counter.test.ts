import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WindowCounter } from './window-counter'

const WINDOW_MS = 60_000

function counter(maxKeys = 100) {
  const clock = { now: 1_000 }
  return { clock, counter: new WindowCounter({ windowMs: WINDOW_MS, maxKeys, now: () => clock.now }) }
}

describe('a window counter', () => {
  test('counts up to the limit, then returns the ms until the window ends, then begins anew', () => {
    const { clock, counter: count } = counter()
    const a = [{ key: 'a', limit: 2 }]
    expect(count.add(a)).toBe(0)
    clock.now += 10_000
    expect(count.add(a)).toBe(0)
    expect(count.add(a)).toBe(50_000)
    clock.now += 49_999
    expect(count.add(a)).toBe(1)
    clock.now += 1
    expect(count.add(a)).toBe(0)
    expect(count.add(a)).toBe(0)
    expect(count.add(a)).toBe(WINDOW_MS)
  })

  test('counts all keys of a call or none', () => {
    const { counter: count } = counter()
    expect(count.add([{ key: 'narrow', limit: 1 }])).toBe(0)
    const both = [
      { key: 'wide', limit: 1 },
      { key: 'narrow', limit: 1 },
    ]
    expect(count.add(both)).toBe(WINDOW_MS)
    expect(count.size).toBe(1)
    expect(count.add([{ key: 'wide', limit: 1 }])).toBe(0)
  })

  test('of several keys that have reached their limits it returns the longest wait', () => {
    const { clock, counter: count } = counter()
    count.add([{ key: 'a', limit: 1 }])
    clock.now += 5_000
    count.add([{ key: 'b', limit: 1 }])
    const both = ['a', 'b'].map((key) => ({ key, limit: 1 }))
    expect(count.add(both)).toBe(WINDOW_MS)
    expect(count.add(both.reverse())).toBe(WINDOW_MS)
  })

  test('a limit below one is never reached by a first count', () => {
    expect(counter().counter.add([{ key: 'a', limit: 0 }])).toBe(WINDOW_MS)
  })

  test('without room for a new key: full, and keys that count go on counting', () => {
    const { clock, counter: count } = counter(2)
    expect(count.add([{ key: 'a', limit: 3 }])).toBe(0)
    expect(count.add([{ key: 'b', limit: 1 }])).toBe(0)
    expect(count.add([{ key: 'c', limit: 1 }])).toBe('full')
    expect(
      count.add([
        { key: 'a', limit: 3 },
        { key: 'c', limit: 1 },
      ]),
    ).toBe('full')
    expect(count.add([{ key: 'a', limit: 3 }])).toBe(0)
    expect(count.add([{ key: 'a', limit: 3 }])).toBe(0)
    expect(count.add([{ key: 'a', limit: 3 }])).toBe(WINDOW_MS)
    expect(count.add([{ key: 'b', limit: 1 }])).toBe(WINDOW_MS)
    clock.now += WINDOW_MS
    expect(count.add([{ key: 'c', limit: 1 }])).toBe(0)
  })

  test('expired keys are dropped by later calls, a bounded number each', () => {
    const { clock, counter: count } = counter(10_000)
    for (let index = 0; index < 10_000; index += 1) count.add([{ key: String(index), limit: 1 }])
    clock.now += WINDOW_MS
    const before = count.size
    expect(count.add([{ key: 'x', limit: 2_000 }])).toBe(0)
    expect(before - count.size).toBeGreaterThan(1)
    expect(before - count.size).toBeLessThanOrEqual(20)
    for (let index = 0; index < 1_000; index += 1) count.add([{ key: 'x', limit: 2_000 }])
    expect(count.size).toBe(1)
  })

  const call = fc.record({
    afterMs: fc.nat(WINDOW_MS),
    keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 3 }),
  })
  const run = fc.record({
    maxKeys: fc.integer({ min: 1, max: 6 }),
    limit: fc.integer({ min: 1, max: 4 }),
    calls: fc.array(call, { maxLength: 80 }),
  })

  test('never counts a key more often than its limit in a window, and never keeps more keys than it may', () => {
    fc.assert(
      fc.property(run, ({ maxKeys, limit, calls }) => {
        const { clock, counter: count } = counter(maxKeys)
        const counted = new Map<string, number[]>()
        for (const { afterMs, keys } of calls) {
          clock.now += afterMs
          const live = (key: string) => (counted.get(key) ?? []).filter((at) => at > clock.now - WINDOW_MS)
          const answer = count.add(keys.map((key) => ({ key, limit })))
          expect(count.size).toBeLessThanOrEqual(maxKeys)
          if (answer === 0) for (const key of keys) counted.set(key, [...(counted.get(key) ?? []), clock.now])
          else if (answer !== 'full') {
            expect(answer).toBeGreaterThan(0)
            expect(answer).toBeLessThanOrEqual(WINDOW_MS)
            // Some key has counted its limit within the last window.
            expect(keys.some((key) => live(key).length >= limit)).toBe(true)
          } else expect(new Set([...counted.keys(), ...keys]).size).toBeGreaterThan(maxKeys)
        }
        for (const times of counted.values()) {
          // Windows follow each other: each begins with the first count that the one before did not
          // take.
          for (let from = 0; from < times.length; ) {
            const startedAt = times[from] as number
            const inside = times.filter((at) => at >= startedAt && at < startedAt + WINDOW_MS).length
            expect(inside).toBeLessThanOrEqual(limit)
            from += inside
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
