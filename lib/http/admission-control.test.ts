import { expect, test } from 'vitest'
import { AdmissionControl } from './admission-control'

/** Simulates the load of an event loop. */
class Loop {
  now = 0
  active = 0
  readonly admission = new AdmissionControl(
    () => this.now,
    () => this.active,
  )

  /** `share`: the part of the time in which the loop is busy, 0 to 1. */
  advance(ms: number, share: number): void {
    this.now += ms
    this.active += ms * share
  }

  /** The results of `count` requests at once. */
  admit(count: number): number[] {
    return Array.from({ length: count }, () => this.admission.admit())
  }
}

test('all requests are admitted while the event loop is not saturated', () => {
  const loop = new Loop()
  for (let second = 0; second < 10; second += 1) {
    loop.advance(1_000, 0.8)
    expect(new Set(loop.admit(2_000))).toEqual(new Set([0]))
  }
})

test('of 12,000 concurrent requests 50 are admitted, and the others get staggered delays of up to 25 s', () => {
  const loop = new Loop()
  loop.advance(1_000, 1)
  const results = loop.admit(12_000)
  const waits = results.filter((ms) => ms > 0)
  expect(results.length - waits.length).toBe(50)
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(waits[399]).toBeCloseTo(1_000)
  expect(waits.at(-1)).toBe(25_000)
})

test('a client that returns after its delay is admitted, even while the loop is saturated', () => {
  const loop = new Loop()
  loop.advance(1_000, 1)
  const due = loop.admit(4_000).filter((ms) => ms > 0)
  let rejected = 0
  for (let at = 100; at <= 10_000; at += 100) {
    loop.advance(100, 1)
    const returning = due.filter((ms) => ms > at - 100 && ms <= at).length
    rejected += loop.admit(returning).filter((ms) => ms > 0).length
  }
  expect(rejected).toBe(0)
})

test('all requests are admitted again once the loop is no longer saturated', () => {
  const loop = new Loop()
  loop.advance(1_000, 1)
  loop.admit(10_000)
  loop.advance(200, 0.5)
  expect(new Set(loop.admit(1_000))).toEqual(new Set([0]))
})
