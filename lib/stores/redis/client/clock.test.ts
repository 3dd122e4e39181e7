import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SharedClock } from './clock'
import { RedisFailure } from './redis'

const SERVER = 1_800_000_000_000
const DAY_MS = 24 * 3_600_000

/** A server with a clock, and a process that requests its time. */
class World {
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

let world: World
beforeEach(() => {
  vi.useFakeTimers()
  world = new World()
})
afterEach(() => {
  world.clock.stop()
  vi.useRealTimers()
})

test('two processes whose own clocks are two days apart have the same time', async () => {
  for (const guess of [SERVER + DAY_MS, SERVER - DAY_MS]) {
    const { clock } = new World(guess)
    await clock.sync()
    expect(clock.now()).toBe(SERVER)
    clock.stop()
  }
})

test('a clock that never received the time of the server is not synchronized', async () => {
  world.readTime = () => Promise.reject(new RedisFailure('away'))
  await expect(world.clock.check()).rejects.toThrow('not known yet')
  expect(world.clock.isSynced).toBe(false)
  world.readTime = async () => 5_000
  await world.clock.check()
  expect(world.clock.now()).toBe(5_000)
  expect(world.clock.isSynced).toBe(true)
})

test('a late or missing reply changes nothing', async () => {
  await world.clock.sync()
  world.readTime = async () => {
    world.pass(300)
    return SERVER + 99_000
  }
  await world.clock.sync()
  expect(world.clock.now()).toBe(SERVER + 300)
  world.readTime = () => Promise.reject(new RedisFailure('away'))
  await world.clock.sync()
  expect(world.clock.now()).toBe(SERVER + 300)
  expect(world.steps).toEqual([])
})

test.each([DAY_MS, -DAY_MS])(
  'the clock follows a step of the server by %i ms when a second reply agrees',
  async (stepMs) => {
    await world.clock.sync()
    world.server += stepMs
    await world.clock.sync()
    expect(world.clock.now()).toBe(SERVER)
    world.pass(300)
    await vi.advanceTimersByTimeAsync(300)
    expect(world.clock.now()).toBe(SERVER + stepMs + 300)
    expect(world.steps).toEqual([stepMs])
  },
)

test('replies to other commands detect a step too; the clock follows when they agree for 250 ms', async () => {
  await world.clock.sync()
  world.server += DAY_MS
  for (const ms of [0, 100, 100]) {
    world.pass(ms)
    world.clock.notice(world.server, world.monotonicMs)
    expect(world.steps).toEqual([])
  }
  world.pass(100)
  world.clock.notice(world.server, world.monotonicMs)
  expect(world.steps).toEqual([DAY_MS])
  expect(world.clock.now()).toBe(world.server)
})

test('the clock does not follow one wrong reply', async () => {
  await world.clock.sync()
  world.server += DAY_MS
  await world.clock.sync()
  world.server -= DAY_MS
  world.pass(300)
  await vi.advanceTimersByTimeAsync(300)
  expect(world.clock.now()).toBe(SERVER + 300)
  expect(world.steps).toEqual([])
})
