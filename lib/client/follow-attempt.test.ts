import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ENDED, FakeServer, LOST, PENDING, SCANNED } from '../../test/support/fake-server'
import type { AttemptFollower } from './follow-attempt'

let server: FakeServer
let follower: AttemptFollower | null = null

beforeEach(() => {
  vi.useFakeTimers()
  server = new FakeServer()
})
afterEach(() => {
  follower?.stop()
  vi.useRealTimers()
})

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('while streams work', () => {
  test('each state is delivered, and no request is sent', async () => {
    follower = server.follow()
    await advance(100)
    server.stream.receive('attempt', SCANNED)
    server.stream.receive('code', { url: 'next', expiresInMs: 1 })
    await advance(600_000)
    expect(server.received).toEqual([PENDING, SCANNED])
    expect(server.codes).toEqual(['next'])
    expect([server.requested, server.streams.length]).toEqual([[], 1])
  })

  test('the state is requested first when the attempt is not new', async () => {
    follower = server.follow(true)
    await advance(10)
    expect(server.requested).toEqual(['/api/qr/x'])
  })

  test('an older state that arrives late is not delivered', async () => {
    follower = server.follow()
    await advance(10)
    server.stream.receive('attempt', SCANNED)
    server.stream.receive('attempt', PENDING)
    expect(server.received.map(({ version }) => version)).toEqual([1, 2])
  })

  test('a final status closes the stream, and nothing is opened or requested after it', async () => {
    follower = server.follow()
    await advance(10)
    server.stream.receive('attempt', ENDED)
    await advance(600_000)
    expect(server.stream.isClosed).toBe(true)
    expect([server.streams.length, server.requested.length]).toEqual([1, 0])
  })

  test('after `bye` the stream reopens at the given time, and the transport stays SSE', async () => {
    follower = server.follow()
    for (let restarts = 1; restarts <= 5; restarts += 1) {
      await advance(10)
      server.stream.receive('bye', { retryMs: 5_000 })
      await advance(4_900)
      expect(server.streams).toHaveLength(restarts)
      await advance(200)
      expect(server.streams).toHaveLength(restarts + 1)
    }
    // The first event has the state, so a reconnect needs no request.
    expect(server.requested).toEqual([])
  })

  test('after `bye` from a server that is not back in time, the transport stays SSE', async () => {
    follower = server.follow()
    await advance(10)
    const { onStream } = server
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = () => LOST
    server.stream.receive('bye', { retryMs: 1_000 })
    await advance(5_000)
    expect([server.streams.length, server.requested.length > 0, server.links.at(-1)]).toEqual([2, true, false])
    server.onStream = onStream
    server.respond = () => ({ ok: true, value: SCANNED })
    await advance(30_000)
    expect([server.streams.length, server.received.at(-1), server.links.at(-1)]).toEqual([3, SCANNED, true])
    expect(server.requested.some((path) => path.includes('waitMs'))).toBe(false)
  })
})

describe('while streams fail', () => {
  test('no first frame within 3 s: falls back to long polling', async () => {
    server.onStream = () => {}
    server.respond = (path) => (path.includes('waitMs') ? 'silent' : { ok: true, value: server.attempt })
    follower = server.follow()
    await advance(2_900)
    expect(server.requested).toEqual([])
    await advance(200)
    expect(server.requested).toEqual(['/api/qr/x', '/api/qr/x?after=1&waitMs=25000'])
    expect(server.stream.isClosed).toBe(true)
  })

  test('a stream that breaks is reopened once; after the second break it falls back to long polling', async () => {
    server.respond = (path) => (path.includes('waitMs') ? 'silent' : { ok: true, value: server.attempt })
    follower = server.follow()
    await advance(10)
    server.stream.break()
    await advance(10)
    expect(server.streams).toHaveLength(2)
    server.stream.break()
    await advance(10)
    expect(server.streams).toHaveLength(2)
    expect(server.requested.at(-1)).toBe('/api/qr/x?after=1&waitMs=25000')
  })

  test('streams that break after more than 30 s are reopened every time', async () => {
    follower = server.follow()
    for (let breaks = 1; breaks < 6; breaks += 1) {
      await advance(31_000)
      server.stream.break()
      await advance(10)
      expect(server.streams).toHaveLength(breaks + 1)
    }
  })

  test('the response of a long poll is delivered without a request for the state', async () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    let polls = 0
    server.respond = (path) => {
      if (!path.includes('waitMs')) return { ok: true, value: server.attempt }
      polls += 1
      if (polls === 1) return { ok: true, value: SCANNED }
      return 'silent'
    }
    follower = server.follow()
    await advance(100)
    expect(server.received.at(-1)).toEqual(SCANNED)
    expect(server.requested).toEqual(['/api/qr/x', '/api/qr/x?after=1&waitMs=25000', '/api/qr/x?after=2&waitMs=25000'])
  })

  test('a long poll that fails: falls back to a poll every 2 s', async () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = (path) => (path.includes('waitMs') ? LOST : { ok: true, value: server.attempt })
    follower = server.follow()
    await advance(10)
    const before = server.requested.length
    await advance(10_000)
    expect(server.requested.length - before).toBe(5)
    server.attempt = SCANNED
    await advance(2_000)
    expect(server.received.at(-1)).toEqual(SCANNED)
  })

  test('the stream is tried again after 30 s, then after 60 s, and kept once it works', async () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = (path) => (path.includes('waitMs') ? LOST : { ok: true, value: server.attempt })
    follower = server.follow()
    await advance(29_000)
    expect(server.streams).toHaveLength(1)
    await advance(4_000)
    expect(server.streams).toHaveLength(2)
    await advance(50_000)
    expect(server.streams).toHaveLength(2)
    server.onStream = (stream) => queueMicrotask(() => stream.receive('attempt', server.attempt))
    await advance(15_000)
    expect(server.streams).toHaveLength(3)
    const before = server.requested.length
    await advance(100_000)
    expect([server.stream.isClosed, server.requested.length]).toEqual([false, before])
  })
})

describe('while every request fails', () => {
  const breakAll = () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = () => LOST
  }

  test('the link is reported as down, retries follow every 1 to 30 s, and it recovers by itself', async () => {
    follower = server.follow()
    await advance(10)
    const working = { onStream: server.onStream, respond: server.respond }
    breakAll()
    server.stream.break()
    await advance(100)
    expect(server.links).toEqual([true, false])
    await advance(3_600_000)
    const tries = server.requested.length
    expect(tries).toBeGreaterThan(3_600 / 31)
    expect(tries).toBeLessThan(3_600)
    Object.assign(server, working, { attempt: SCANNED })
    await advance(31_000)
    expect(server.links).toEqual([true, false, true])
    expect(server.received.at(-1)).toEqual(SCANNED)
  })

  test('`wake` requests the state immediately', async () => {
    follower = server.follow()
    await advance(10)
    const working = { onStream: server.onStream, respond: server.respond }
    breakAll()
    server.stream.break()
    await advance(600_000)
    Object.assign(server, working, { attempt: SCANNED })
    const before = server.requested.length
    follower.wake()
    await advance(1)
    expect(server.requested).toHaveLength(before + 1)
    expect(server.received.at(-1)).toEqual(SCANNED)
  })

  test('`Retry-After` is respected', async () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = () => ({
      ok: false,
      code: 'rate_limited',
      retryAfterMs: 20_000,
      requestId: null,
      attemptsLeft: null,
    })
    follower = server.follow()
    await advance(10)
    expect(server.requested).toHaveLength(1)
    await advance(19_000)
    expect(server.requested).toHaveLength(1)
    await advance(2_000)
    expect(server.requested.length).toBeGreaterThan(1)
  })

  test('`not_found` is reported, and no further request is sent', async () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = () => ({ ok: false, code: 'not_found', retryAfterMs: null, requestId: null, attemptsLeft: null })
    follower = server.follow()
    await advance(600_000)
    expect([server.refused, server.requested.length]).toEqual([['not_found'], 1])
  })
})

describe('`wake` and `stop`', () => {
  test('`wake` replaces the open stream and delivers the current state', async () => {
    follower = server.follow()
    await advance(10)
    const old = server.stream
    server.attempt = SCANNED
    follower.wake()
    await advance(1)
    expect(old.isClosed).toBe(true)
    expect(server.stream.isClosed).toBe(false)
    expect(server.received.at(-1)).toEqual(SCANNED)
  })

  test('`wake` during a request sends another one', async () => {
    server.respond = () => 'silent'
    follower = server.follow(true)
    await advance(10)
    server.respond = () => ({ ok: true, value: SCANNED })
    follower.wake()
    await advance(1)
    expect(server.requested).toEqual(['/api/qr/x', '/api/qr/x'])
    expect(server.received[0]).toEqual(SCANNED)
  })

  test('`stop` during the backoff: no request follows, and no timer is left', async () => {
    server.onStream = (stream) => queueMicrotask(() => stream.break())
    server.respond = () => LOST
    follower = server.follow()
    await advance(10)
    const { length } = server.requested
    follower.stop()
    await advance(60_000)
    expect([server.requested.length, vi.getTimerCount()]).toEqual([length, 0])
  })

  test('`wake` and events after `stop` have no effect', async () => {
    follower = server.follow()
    await advance(10)
    follower.stop()
    follower.wake()
    server.stream.receive('attempt', SCANNED)
    await advance(60_000)
    expect([server.received, server.requested, server.stream.isClosed]).toEqual([[PENDING], [], true])
    expect(vi.getTimerCount()).toBe(0)
  })
})
