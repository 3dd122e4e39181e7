import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  App,
  Browser,
  countEncodings,
  dataOf,
  readFrames,
  refusal,
  signedInPhone,
  signInComputer,
} from '../../test/support/app'
import type { AttemptView } from '../core/attempt/views'
import type { SessionView } from '../core/session/session'

let app: App
let computer: Browser
let phone: Browser

beforeEach(async () => {
  app = new App()
  computer = new Browser(app)
  phone = await signedInPhone(app, 'ada')
})
afterEach(() => {
  app.dispose()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const open = (attempt: AttemptView, by = computer) => by.send('GET', `/api/qr/${attempt.id}/events`)
const nameOf = (frame: string) => /^event: (.*)$/m.exec(frame)?.[1] ?? (frame === ':' ? 'comment' : frame)
const idOf = (frame: string) => /^id: (.*)$/m.exec(frame)?.[1] ?? null

/** Advances the clock of the services and their timers. */
function advance(ms: number): void {
  for (let left = ms; left > 0; left -= 100) {
    app.now += Math.min(100, left)
    vi.advanceTimersByTime(Math.min(100, left))
  }
}

describe('the stream of an attempt', () => {
  test('sends the state immediately, then each change, and ends with the attempt', async () => {
    const attempt = await computer.start()
    const response = await open(attempt)
    expect(response.headers.get('Content-Type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(response.headers.get('X-Accel-Buffering')).toBe('no')
    const frames = readFrames(response)
    const { claim } = await phone.scan(attempt)
    await phone.get('POST', '/api/qr/confirm', { claim })
    const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
    await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
    expect((await frames).map(nameOf)).toEqual(['attempt', 'attempt', 'attempt', 'attempt'])
    expect((await frames).map(idOf)).toEqual(['1', '2', '3', '4'])
    expect((await frames).map((frame) => dataOf<AttemptView>(frame).status)).toEqual([
      'pending',
      'scanned',
      'confirmed',
      'redeemed',
    ])
    expect(dataOf<AttemptView>((await frames)[2]).ticket).toBe(ticket)
    expect(app.context.connections.size).toBe(0)
    expect(app.context.attemptStreams.size).toBe(0)
  })

  test('sends each new code, and the expiry', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const attempt = await computer.start()
    const frames = readFrames(await open(attempt))
    advance(300_200)
    const events = (await frames).filter((frame) => frame !== ':')
    expect(events.map(nameOf)).toEqual(['attempt', ...Array<string>(9).fill('code'), 'attempt'])
    const urls = events.slice(1, -1).map((frame) => dataOf<{ url: string }>(frame).url)
    expect(new Set([attempt.code?.url, ...urls]).size).toBe(10)
    expect(dataOf(events.at(-1))).toMatchObject({ status: 'expired', version: 2, expiresInMs: 0 })
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1)
  })

  test('sends a heartbeat every 15 s, and no codes after the scan', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const attempt = await computer.start()
    const frames = readFrames(await open(attempt))
    await phone.scan(attempt)
    advance(120_200)
    expect((await frames).filter((frame) => frame === ':').length).toBe(8)
    expect((await frames).filter((frame) => frame !== ':').map(nameOf)).toEqual(['attempt', 'attempt', 'attempt'])
    expect(dataOf((await frames).at(-1))).toMatchObject({ status: 'expired', version: 3 })
  })

  test('on an ended attempt opens, sends one frame and ends', async () => {
    const attempt = await computer.start()
    await computer.send('DELETE', `/api/qr/${attempt.id}`)
    const frames = await readFrames(await open(attempt))
    expect(frames.map((frame) => dataOf<AttemptView>(frame).status)).toEqual(['cancelled'])
    const other = await computer.start()
    app.now += 300_000
    expect(dataOf((await readFrames(await open(other)))[0])).toMatchObject({ status: 'expired' })
    expect(app.context.connections.size).toBe(0)
  })

  test('serves two connections; a third replaces the oldest', async () => {
    const attempt = await computer.start()
    const first = readFrames(await open(attempt))
    const second = await open(attempt)
    const third = await open(attempt)
    expect((await first).map(nameOf)).toEqual(['attempt'])
    expect(app.context.connections.size).toBe(2)
    await phone.scan(attempt)
    for (const response of [second, third]) {
      expect((await readFrames(response, 2)).map(nameOf)).toEqual(['attempt', 'attempt'])
    }
  })

  test('encodes a change once for both connections', async () => {
    const attempt = await computer.start()
    const streams = [await open(attempt), await open(attempt)]
    const encodings = countEncodings('attempt')
    await phone.scan(attempt)
    for (const response of streams) expect((await readFrames(response, 2)).map(idOf)).toEqual(['1', '2'])
    expect(encodings()).toBe(1)
  })

  test('of another browser is refused before it opens, and the owner’s continues', async () => {
    const attempt = await computer.start()
    const attacker = new Browser(app)
    await attacker.start()
    const [own, foreign] = await Promise.all([open(attempt), open(attempt, attacker)])
    expect(await refusal(foreign)).toEqual({ status: 404, code: 'not_found' })
    await phone.scan(attempt)
    expect((await readFrames(own, 2)).map(nameOf)).toEqual(['attempt', 'attempt'])
  })

  test('is released completely when its client disconnects', async () => {
    const attempt = await computer.start()
    const controller = new AbortController()
    await computer.send('GET', `/api/qr/${attempt.id}/events`, { signal: controller.signal })
    const cancelled = await open(attempt)
    expect(app.context.connections.size).toBe(2)
    controller.abort()
    await cancelled.body?.cancel()
    expect([app.context.connections.size, app.context.attemptStreams.size]).toEqual([0, 0])
  })

  test('refuses HEAD with 405', async () => {
    const attempt = await computer.start()
    const response = await computer.send('HEAD', `/api/qr/${attempt.id}/events`)
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET'])
  })
})

describe('too many streams', () => {
  test('of one address get 429, in total 503, and RATE_LIMIT_SCALE applies', async () => {
    app.dispose()
    app = new App({ RATE_LIMIT_SCALE: '0.1', MAX_STREAMS: '4' })
    const openFrom = async (address: string) => {
      const browser = new Browser(app)
      browser.address = address
      return await open(await browser.start(), browser)
    }
    for (let count = 0; count < 3; count += 1) expect((await openFrom('203.0.113.7')).status).toBe(200)
    const fourth = await openFrom('203.0.113.7')
    expect(fourth.headers.get('Retry-After')).toMatch(/^\d+$/)
    expect(await refusal(fourth)).toEqual({ status: 429, code: 'rate_limited' })
    expect((await openFrom('198.51.100.1')).status).toBe(200)
    const fifth = await openFrom('198.51.100.1')
    expect(fifth.headers.get('Retry-After')).toMatch(/^\d+$/)
    expect(await refusal(fifth)).toEqual({ status: 503, code: 'unavailable' })
  })
})

describe('the stream of an account', () => {
  const openAccount = (browser: Browser) => browser.send('GET', '/api/account/events')

  test('sends the sessions immediately and after each change', async () => {
    const response = await openAccount(phone)
    const signedIn = await signInComputer(app, phone)
    await signedIn.send('DELETE', '/api/session')
    await phone.send('DELETE', '/api/phone/session')
    const frames = await readFrames(response)
    const lists = frames
      .filter((frame) => nameOf(frame) === 'sessions')
      .map((frame) => dataOf<{ sessions: SessionView[] }>(frame).sessions.length)
    expect(lists).toEqual([0, 1, 0])
    expect(frames.map(nameOf).at(-1)).toBe('signed_out')
  })

  test('sends the phone the attempt that it scanned, without the claim', async () => {
    const response = await openAccount(phone)
    const lin = await signedInPhone(app, 'lin')
    const adasOther = await signedInPhone(app, 'ada')
    const others = [await openAccount(lin), await openAccount(adasOther)]
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    await phone.get('POST', '/api/qr/cancel', { claim })
    const frames = await readFrames(response, 3)
    expect(frames.map(nameOf)).toEqual(['sessions', 'attempt', 'attempt'])
    expect(frames.slice(1).map((frame) => dataOf<{ status: string }>(frame).status)).toEqual(['scanned', 'cancelled'])
    expect(frames.join()).not.toContain('claim')
    await app.qrLogin.drain()
    for (const other of others) expect((await readFrames(other)).map(nameOf)).toEqual(['sessions', 'bye'])
  })

  test('sends the phone the expiry of its attempt', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const response = await openAccount(phone)
    await phone.scan(await computer.start())
    advance(120_200)
    const frames = (await readFrames(response, 11)).filter((frame) => frame !== ':')
    expect(frames.slice(1).map((frame) => dataOf<{ status: string }>(frame).status)).toEqual(['scanned', 'expired'])
  })

  test('of a computer that is signed out from elsewhere sends `signed_out` and ends', async () => {
    const signedIn = await signInComputer(app, phone)
    const other = await signInComputer(app, phone)
    const response = await openAccount(signedIn)
    const frames = readFrames(response)
    const { session } = await signedIn.get<{ session: SessionView }>('GET', '/api/session')
    await phone.send('DELETE', `/api/sessions/${session.id}`)
    expect((await frames).map(nameOf)).toEqual(['sessions', 'signed_out'])
    expect(await other.get('GET', '/api/session')).toMatchObject({ signedIn: true })
  })

  test('ends when the session expires', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    app.dispose()
    app = new App({ SESSION_IDLE_TTL_S: '20' })
    const signedIn = await signInComputer(app, await signedInPhone(app, 'ada'))
    const frames = readFrames(await openAccount(signedIn))
    advance(20_300)
    await Promise.resolve()
    expect((await frames).map(nameOf)).toEqual(['sessions', 'comment', 'signed_out'])
  })
})

describe('the drain', () => {
  test('sends `bye` to every stream, refuses new ones, and makes the server unready', async () => {
    const attempt = await computer.start()
    const frames = readFrames(await open(attempt))
    expect((await computer.send('GET', '/api/health/ready')).status).toBe(200)
    app.qrLogin.drain()
    expect((await frames).map(nameOf)).toEqual(['attempt', 'bye'])
    expect(dataOf<{ retryMs: number }>((await frames)[1]).retryMs).toBeGreaterThan(0)
    expect(await refusal(await open(attempt))).toEqual({ status: 503, code: 'unavailable' })
    const ready = await computer.send('GET', '/api/health/ready')
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unready', failing: ['shutdown'] }])
    expect((await computer.send('GET', '/api/health/live')).status).toBe(200)
  })
})

describe('long polls', () => {
  const poll = (attempt: AttemptView, by = computer) => by.send('GET', `/api/qr/${attempt.id}?after=1&waitMs=25000`)

  test('count as streams: a third one of an attempt is accepted, and the oldest gets 204 immediately', async () => {
    const attempt = await computer.start()
    const polls = [poll(attempt), poll(attempt)]
    await expect.poll(() => app.context.connections.size).toBe(2)
    polls.push(poll(attempt))
    expect((await polls[0])?.status).toBe(204)
    await phone.scan(attempt)
    for (const each of polls.slice(1)) expect(await (await each).json()).toMatchObject({ status: 'scanned' })
    expect([app.context.connections.size, app.context.attemptStreams.size]).toEqual([0, 0])
  })

  test('do not encode an event', async () => {
    const attempt = await computer.start()
    const polls = [poll(attempt), poll(attempt)]
    await expect.poll(() => app.context.connections.size).toBe(2)
    const encodings = countEncodings('attempt')
    await phone.scan(attempt)
    for (const each of polls) expect(await (await each).json()).toMatchObject({ status: 'scanned' })
    expect(encodings()).toBe(0)
  })

  test('do not end with a heartbeat', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const attempt = await computer.start()
    let hasResponse = false
    const waiting = poll(attempt).finally(() => {
      hasResponse = true
    })
    await expect.poll(() => app.context.connections.size).toBe(1)
    advance(15_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasResponse).toBe(false)
    await phone.scan(attempt)
    expect(await (await waiting).json()).toMatchObject({ status: 'scanned' })
  })

  test('count together with streams', async () => {
    const attempt = await computer.start()
    const first = poll(attempt)
    const second = poll(attempt)
    await expect.poll(() => app.context.connections.size).toBe(2)
    const stream = await open(attempt)
    expect((await first).status).toBe(204)
    await computer.send('DELETE', `/api/qr/${attempt.id}`)
    expect((await (await second).json()) as AttemptView).toMatchObject({ status: 'cancelled' })
    expect((await readFrames(stream)).map(nameOf)).toEqual(['attempt', 'attempt'])
  })

  test('are at most 30 per address, streams included; those that end free their place', async () => {
    app.dispose()
    app = new App({ RATE_LIMIT_SCALE: '1' })
    const browsers = Array.from({ length: 6 }, () => new Browser(app))
    const attempts: [Browser, AttemptView][] = []
    for (const browser of browsers) {
      for (let count = 0; count < 3; count += 1) attempts.push([browser, await browser.start()])
    }
    const polls = attempts.flatMap(([by, attempt]) => [poll(attempt, by), poll(attempt, by)]).slice(0, 30)
    const [by, last] = attempts.at(-1) as [Browser, AttemptView]
    await expect.poll(() => app.context.connections.size).toBe(30)
    expect(await refusal(await poll(last, by))).toEqual({ status: 429, code: 'rate_limited' })
    expect(await refusal(await open(last, by))).toEqual({ status: 429, code: 'rate_limited' })
    for (const [browser, attempt] of attempts) await browser.send('DELETE', `/api/qr/${attempt.id}`)
    await Promise.all(polls)
    expect(app.context.connections.size).toBe(0)
    expect((await open(last, by)).status).toBe(200)
  })

  test('end with 204 when the server drains', async () => {
    const attempt = await computer.start()
    const waiting = poll(attempt)
    await expect.poll(() => app.context.connections.size).toBe(1)
    app.qrLogin.drain()
    expect((await waiting).status).toBe(204)
  })
})
