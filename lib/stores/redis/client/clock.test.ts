import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SharedClock } from './clock'
import { RedisFailure } from './redis'

const SERVER = 1_800_000_000_000
const DAY_MS = 24 * 3_600_000

/** A server that says its time, and a process that asks. */
class Asking {
  server = SERVER
  monotonicMs = 1_000
  readTime = async () => this.server
  readonly steps: number[] = []
  readonly clock: SharedClock

  constructor(guess = SERVER) {
    this.clock = new SharedClock(guess, {
      readTime: () => this.readTime(),
      monotonicMs: () => this.monotonicMs,
      onStep: (differenceMs) => this.steps.push(differenceMs),
    })
  }

  pass(ms: number): void {
    this.server += ms
    this.monotonicMs += ms
  }
}

let asking: Asking
beforeEach(() => {
  vi.useFakeTimers()
  asking = new Asking()
})
afterEach(() => {
  asking.clock.stop()
  vi.useRealTimers()
})

test('two processes whose clocks are two days apart have one time', async () => {
  for (const guess of [SERVER + DAY_MS, SERVER - DAY_MS]) {
    const { clock } = new Asking(guess)
    await clock.sync()
    expect(clock.now()).toBe(SERVER)
    clock.stop()
  }
})

test('a clock that was never set is not right', async () => {
  asking.readTime = () => Promise.reject(new RedisFailure('away'))
  await expect(asking.clock.check()).rejects.toThrow('not known yet')
  expect(asking.clock.isRight).toBe(false)
  asking.readTime = async () => 5_000
  await asking.clock.check()
  expect(asking.clock.now()).toBe(5_000)
  expect(asking.clock.isRight).toBe(true)
})

test('an answer that is late or missing changes nothing', async () => {
  await asking.clock.sync()
  asking.readTime = async () => {
    asking.pass(300)
    return SERVER + 99_000
  }
  await asking.clock.sync()
  expect(asking.clock.now()).toBe(SERVER + 300)
  asking.readTime = () => Promise.reject(new RedisFailure('away'))
  await asking.clock.sync()
  expect(asking.clock.now()).toBe(SERVER + 300)
  expect(asking.steps).toEqual([])
})

test.each([DAY_MS, -DAY_MS])(
  'a step of the server by %i ms is followed when a second answer agrees',
  async (stepMs) => {
    await asking.clock.sync()
    asking.server += stepMs
    await asking.clock.sync()
    expect(asking.clock.now()).toBe(SERVER)
    asking.pass(300)
    await vi.advanceTimersByTimeAsync(300)
    expect(asking.clock.now()).toBe(SERVER + stepMs + 300)
    expect(asking.steps).toEqual([stepMs])
  },
)

test('answers to other commands notice a step too, and it is followed when they agree for a quarter of a second', async () => {
  await asking.clock.sync()
  asking.server += DAY_MS
  for (const ms of [0, 100, 100]) {
    asking.pass(ms)
    asking.clock.notice(asking.server, asking.monotonicMs)
    expect(asking.steps).toEqual([])
  }
  asking.pass(100)
  asking.clock.notice(asking.server, asking.monotonicMs)
  expect(asking.steps).toEqual([DAY_MS])
  expect(asking.clock.now()).toBe(asking.server)
})

test('one wrong answer is no step', async () => {
  await asking.clock.sync()
  asking.server += DAY_MS
  await asking.clock.sync()
  asking.server -= DAY_MS
  asking.pass(300)
  await vi.advanceTimersByTimeAsync(300)
  expect(asking.clock.now()).toBe(SERVER + 300)
  expect(asking.steps).toEqual([])
})
