import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ENDED, LOST, PENDING, SCANNED, World } from '../../test/support/world'
import type { AttemptFollower } from './follow-attempt'

let world: World
let follower: AttemptFollower | null = null

beforeEach(() => {
  vi.useFakeTimers()
  world = new World()
})
afterEach(() => {
  follower?.stop()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('while streams work', () => {
  test('nothing else is requested, and each state is delivered', async () => {
    follower = world.follow()
    await pass(100)
    world.stream.receive('attempt', SCANNED)
    world.stream.receive('code', { url: 'next', expiresInMs: 1 })
    await pass(600_000)
    expect(world.seen).toEqual([PENDING, SCANNED])
    expect(world.codes).toEqual(['next'])
    expect([world.requested, world.streams.length]).toEqual([[], 1])
  })

  test('the state is requested first when the attempt is not new', async () => {
    follower = world.follow(true)
    await pass(10)
    expect(world.requested).toEqual(['/api/qr/x'])
  })

  test('an older state that comes late is not delivered', async () => {
    follower = world.follow()
    await pass(10)
    world.stream.receive('attempt', SCANNED)
    world.stream.receive('attempt', PENDING)
    expect(world.seen.map(({ version }) => version)).toEqual([1, 2])
  })

  test('the end of the attempt is the end of the following', async () => {
    follower = world.follow()
    await pass(10)
    world.stream.receive('attempt', ENDED)
    await pass(600_000)
    expect(world.stream.isClosed).toBe(true)
    expect([world.streams.length, world.requested.length]).toEqual([1, 0])
  })

  test('after `bye` the stream opens again at the time given, and nothing is held against it', async () => {
    follower = world.follow()
    for (let restarts = 1; restarts <= 5; restarts += 1) {
      await pass(10)
      world.stream.receive('bye', { retryMs: 5_000 })
      await pass(4_900)
      expect(world.streams).toHaveLength(restarts)
      await pass(200)
      expect(world.streams).toHaveLength(restarts + 1)
    }
    // The first event has the state: when a thousand come back, a request of each is spared.
    expect(world.requested).toEqual([])
  })

  test('after `bye` from a server that is not back in time, streams are not given up', async () => {
    follower = world.follow()
    await pass(10)
    const works = world.onStream
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = () => LOST
    world.stream.receive('bye', { retryMs: 1_000 })
    await pass(5_000)
    expect([world.streams.length, world.requested.length > 0, world.links.at(-1)]).toEqual([2, true, false])
    world.onStream = works
    world.answer = () => ({ ok: true, value: SCANNED })
    await pass(30_000)
    expect([world.streams.length, world.seen.at(-1), world.links.at(-1)]).toEqual([3, SCANNED, true])
    expect(world.requested.some((path) => path.includes('waitMs'))).toBe(false)
  })
})

describe('where streams do not work', () => {
  test('no first frame within 3 s: down to long poll', async () => {
    world.onStream = () => {}
    world.answer = (path) => (path.includes('waitMs') ? 'silent' : { ok: true, value: world.now })
    follower = world.follow()
    await pass(2_900)
    expect(world.requested).toEqual([])
    await pass(200)
    expect(world.requested).toEqual(['/api/qr/x', '/api/qr/x?after=1&waitMs=25000'])
    expect(world.stream.isClosed).toBe(true)
  })

  test('a stream that dies twice: down to long poll; once is forgiven', async () => {
    world.answer = (path) => (path.includes('waitMs') ? 'silent' : { ok: true, value: world.now })
    follower = world.follow()
    await pass(10)
    world.stream.break()
    await pass(10)
    expect(world.streams).toHaveLength(2)
    world.stream.break()
    await pass(10)
    expect(world.streams).toHaveLength(2)
    expect(world.requested.at(-1)).toBe('/api/qr/x?after=1&waitMs=25000')
  })

  test('a stream that lived long may die as often as it likes', async () => {
    follower = world.follow()
    for (let deaths = 1; deaths < 6; deaths += 1) {
      await pass(31_000)
      world.stream.break()
      await pass(10)
      expect(world.streams).toHaveLength(deaths + 1)
    }
  })

  test('a change is delivered by long poll as soon as it is answered, without a second request', async () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    let polls = 0
    world.answer = (path) => {
      if (!path.includes('waitMs')) return { ok: true, value: world.now }
      polls += 1
      if (polls === 1) return { ok: true, value: SCANNED }
      return 'silent'
    }
    follower = world.follow()
    await pass(100)
    expect(world.seen.at(-1)).toEqual(SCANNED)
    expect(world.requested).toEqual(['/api/qr/x', '/api/qr/x?after=1&waitMs=25000', '/api/qr/x?after=2&waitMs=25000'])
  })

  test('a long poll that fails: down to a poll every 2 s', async () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = (path) => (path.includes('waitMs') ? LOST : { ok: true, value: world.now })
    follower = world.follow()
    await pass(10)
    const before = world.requested.length
    await pass(10_000)
    expect(world.requested.length - before).toBe(5)
    world.now = SCANNED
    await pass(2_000)
    expect(world.seen.at(-1)).toEqual(SCANNED)
  })

  test('the stream is tried again after 30 s, then after 60 s, and taken back when it works', async () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = (path) => (path.includes('waitMs') ? LOST : { ok: true, value: world.now })
    follower = world.follow()
    await pass(29_000)
    expect(world.streams).toHaveLength(1)
    await pass(4_000)
    expect(world.streams).toHaveLength(2)
    await pass(50_000)
    expect(world.streams).toHaveLength(2)
    world.onStream = (stream) => queueMicrotask(() => stream.receive('attempt', world.now))
    await pass(15_000)
    expect(world.streams).toHaveLength(3)
    const before = world.requested.length
    await pass(100_000)
    expect([world.stream.isClosed, world.requested.length]).toEqual([false, before])
  })
})

describe('where nothing works', () => {
  const breakAll = () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = () => LOST
  }

  test('the link is reported down, tries go on with 1 to 30 s between, and it recovers by itself', async () => {
    follower = world.follow()
    await pass(10)
    const heal = { onStream: world.onStream, answer: world.answer }
    breakAll()
    world.stream.break()
    await pass(100)
    expect(world.links).toEqual([true, false])
    await pass(3_600_000)
    const tries = world.requested.length
    expect(tries).toBeGreaterThan(3_600 / 31)
    expect(tries).toBeLessThan(3_600)
    Object.assign(world, heal, { now: SCANNED })
    await pass(31_000)
    expect(world.links).toEqual([true, false, true])
    expect(world.seen.at(-1)).toEqual(SCANNED)
  })

  test('waking requests the state at once', async () => {
    follower = world.follow()
    await pass(10)
    const heal = { onStream: world.onStream, answer: world.answer }
    breakAll()
    world.stream.break()
    await pass(600_000)
    Object.assign(world, heal, { now: SCANNED })
    const before = world.requested.length
    follower.wake()
    await pass(1)
    expect(world.requested).toHaveLength(before + 1)
    expect(world.seen.at(-1)).toEqual(SCANNED)
  })

  test('`Retry-After` is respected', async () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = () => ({
      ok: false,
      code: 'rate_limited',
      retryAfterMs: 20_000,
      requestId: null,
      attemptsLeft: null,
    })
    follower = world.follow()
    await pass(10)
    expect(world.requested).toHaveLength(1)
    await pass(19_000)
    expect(world.requested).toHaveLength(1)
    await pass(2_000)
    expect(world.requested.length).toBeGreaterThan(1)
  })

  test('an attempt that does not exist any more ends it', async () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = () => ({ ok: false, code: 'not_found', retryAfterMs: null, requestId: null, attemptsLeft: null })
    follower = world.follow()
    await pass(600_000)
    expect([world.refused, world.requested.length]).toEqual([['not_found'], 1])
  })
})

describe('waking', () => {
  test('replaces a stream that may be dead, and delivers what happened meanwhile', async () => {
    follower = world.follow()
    await pass(10)
    const old = world.stream
    world.now = SCANNED
    follower.wake()
    await pass(1)
    expect(old.isClosed).toBe(true)
    expect(world.stream.isClosed).toBe(false)
    expect(world.seen.at(-1)).toEqual(SCANNED)
  })

  test('during a request starts another one', async () => {
    world.answer = () => 'silent'
    follower = world.follow(true)
    await pass(10)
    world.answer = () => ({ ok: true, value: SCANNED })
    follower.wake()
    await pass(1)
    expect(world.requested).toEqual(['/api/qr/x', '/api/qr/x'])
    expect(world.seen[0]).toEqual(SCANNED)
  })

  test('after stopping during a rest nothing is requested', async () => {
    world.onStream = (stream) => queueMicrotask(() => stream.break())
    world.answer = () => LOST
    follower = world.follow()
    await pass(10)
    const { length } = world.requested
    follower.stop()
    await pass(60_000)
    expect([world.requested.length, vi.getTimerCount()]).toEqual([length, 0])
  })

  test('after stopping does nothing', async () => {
    follower = world.follow()
    await pass(10)
    follower.stop()
    follower.wake()
    world.stream.receive('attempt', SCANNED)
    await pass(60_000)
    expect([world.seen, world.requested, world.stream.isClosed]).toEqual([[PENDING], [], true])
    expect(vi.getTimerCount()).toBe(0)
  })
})
