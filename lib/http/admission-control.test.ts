import { expect, test } from 'vitest'
import { AdmissionControl } from './admission-control'

/** An event loop that is at work for a share of the time. */
class Loop {
  now = 0
  active = 0
  readonly arrivals = new AdmissionControl(
    () => this.now,
    () => this.active,
  )

  pass(ms: number, share: number): void {
    this.now += ms
    this.active += ms * share
  }

  come(count: number): number[] {
    return Array.from({ length: count }, () => this.arrivals.admit())
  }
}

test('while there is time for all, all come in', () => {
  const loop = new Loop()
  for (let second = 0; second < 10; second += 1) {
    loop.pass(1_000, 0.8)
    expect(new Set(loop.come(2_000))).toEqual(new Set([0]))
  }
})

test('of twelve thousand at once some come in, and the others are asked one after the other, within 25 s', () => {
  const loop = new Loop()
  loop.pass(1_000, 1)
  const told = loop.come(12_000)
  const waits = told.filter((ms) => ms > 0)
  expect(told.length - waits.length).toBe(50)
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(waits[399]).toBeCloseTo(1_000)
  expect(waits.at(-1)).toBe(25_000)
})

test('whoever comes when asked to comes in, though it is busy still', () => {
  const loop = new Loop()
  loop.pass(1_000, 1)
  const due = loop.come(4_000).filter((ms) => ms > 0)
  let sentAway = 0
  for (let at = 100; at <= 10_000; at += 100) {
    loop.pass(100, 1)
    const coming = due.filter((ms) => ms > at - 100 && ms <= at).length
    sentAway += loop.come(coming).filter((ms) => ms > 0).length
  }
  expect(sentAway).toBe(0)
})

test('when it is over it is over', () => {
  const loop = new Loop()
  loop.pass(1_000, 1)
  loop.come(10_000)
  loop.pass(200, 0.5)
  expect(new Set(loop.come(1_000))).toEqual(new Set([0]))
})
