import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WindowCounter } from './window-counter'

const WINDOW_MS = 60_000

function counter(maxKeys = 100) {
  const clock = { now: 1_000 }
  return { clock, counter: new WindowCounter({ windowMs: WINDOW_MS, maxKeys, now: () => clock.now }) }
}

describe('a window counter', () => {
  test('counts up to the limit, then returns the ms until the window ends, then starts a new window', () => {
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

  test('returns the longest wait of several keys that have reached their limits', () => {
    const { clock, counter: count } = counter()
    count.add([{ key: 'a', limit: 1 }])
    clock.now += 5_000
    count.add([{ key: 'b', limit: 1 }])
    const both = ['a', 'b'].map((key) => ({ key, limit: 1 }))
    expect(count.add(both)).toBe(WINDOW_MS)
    expect(count.add(both.reverse())).toBe(WINDOW_MS)
  })

  test('a limit of 0 refuses the first count', () => {
    expect(counter().counter.add([{ key: 'a', limit: 0 }])).toBe(WINDOW_MS)
  })

  test('a new key beyond maxKeys is `full`; existing keys continue to count', () => {
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

  test('each call removes a bounded number of expired keys', () => {
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

  test('never counts a key beyond its limit in a window, and never keeps more than maxKeys', () => {
    fc.assert(
      fc.property(run, ({ maxKeys, limit, calls }) => {
        const { clock, counter: count } = counter(maxKeys)
        const counted = new Map<string, number[]>()
        for (const { afterMs, keys } of calls) {
          clock.now += afterMs
          const live = (key: string) => (counted.get(key) ?? []).filter((at) => at > clock.now - WINDOW_MS)
          const result = count.add(keys.map((key) => ({ key, limit })))
          expect(count.size).toBeLessThanOrEqual(maxKeys)
          if (result === 0) for (const key of keys) counted.set(key, [...(counted.get(key) ?? []), clock.now])
          else if (result !== 'full') {
            expect(result).toBeGreaterThan(0)
            expect(result).toBeLessThanOrEqual(WINDOW_MS)
            // At least one key has reached its limit within the last window.
            expect(keys.some((key) => live(key).length >= limit)).toBe(true)
          } else expect(new Set([...counted.keys(), ...keys]).size).toBeGreaterThan(maxKeys)
        }
        for (const times of counted.values()) {
          // Each window begins with the first count after the previous one has ended.
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
