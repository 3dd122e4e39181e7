import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AttemptView } from '../core/attempt/views'
import { SignIn } from './sign-in'

/** An event stream that the test writes to. */
class Stream extends EventTarget {
  close(): void {}

  receive(event: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }))
  }
}

type Reply = [status: number, body: unknown]

const page = new EventTarget()
let streams: Stream[]
let sent: string[]
/** The responses to requests for a short code, in order. The last one is repeated. */
let shortCodes: Reply[]
let started: number
let signIn: SignIn
let close: () => void

const pending = (): AttemptView => ({
  id: `attempt-${started}`,
  version: 1,
  status: 'pending',
  expiresInMs: 300_000,
  code: { url: `https://login.example.com/q#${started}`, expiresInMs: 30_000 },
})
const scanned = (): AttemptView => ({
  id: `attempt-${started}`,
  version: 2,
  status: 'scanned',
  expiresInMs: 120_000,
  person: { name: 'Ada Byron', avatarUrl: null },
  match: { required: false, passed: false, attemptsLeft: 2 },
})

function reply(method: string, path: string): Reply {
  if (path === '/api/qr') {
    started += 1
    return [201, pending()]
  }
  if (path.endsWith('/short-code')) return (shortCodes.length > 1 ? shortCodes.shift() : shortCodes[0]) as Reply
  return method === 'DELETE' ? [204, null] : [200, pending()]
}

beforeEach(async () => {
  vi.useFakeTimers()
  streams = []
  sent = []
  started = 0
  shortCodes = [[200, { shortCode: 'WDJB-MJHT', expiresInMs: 290_000 }]]
  vi.stubGlobal('document', Object.assign(page, { visibilityState: 'visible' }))
  vi.stubGlobal('window', page)
  vi.stubGlobal('navigator', { onLine: true })
  vi.stubGlobal('EventSource', function open() {
    const stream = new Stream()
    streams.push(stream)
    queueMicrotask(() => stream.receive('attempt', pending()))
    return stream
  })
  vi.stubGlobal('fetch', async (path: string, { method = 'GET' }: RequestInit) => {
    sent.push(`${method} ${path}`)
    const [status, body] = reply(method, path)
    return new Response(body === null ? null : JSON.stringify(body), { status })
  })
  signIn = new SignIn({ already: null, onSignedIn: () => {} })
  close = signIn.open()
  await advance(10)
})
afterEach(() => {
  close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const screen = () => signIn.screen.get()
const asked = () => sent.filter((each) => each.endsWith('/short-code'))
const shown = { state: 'short_code', shortCode: { letters: 'WDJB-MJHT', periodMs: 290_000 } }

async function want(isWanted: boolean): Promise<void> {
  signIn.wantShortCode(isWanted)
  await advance(10)
}

describe('the short code on the computer', () => {
  test('is not requested before the person asks for it', async () => {
    await advance(60_000)
    expect([screen().state, asked()]).toEqual(['ready', []])
  })

  test('replaces the QR code, stays when the QR code changes, and gives way to it again', async () => {
    await want(true)
    expect(screen()).toMatchObject(shown)
    streams.at(-1)?.receive('code', { url: 'https://login.example.com/q#next', expiresInMs: 30_000 })
    expect(screen()).toMatchObject(shown)
    await want(false)
    expect(screen()).toMatchObject({ state: 'ready', code: { url: 'https://login.example.com/q#next' } })
    await want(true)
    expect([screen(), asked()]).toMatchObject([shown, ['POST /api/qr/attempt-1/short-code']])
  })

  test('is followed by the scan, also when its response arrives later', async () => {
    signIn.wantShortCode(true)
    expect(screen()).toEqual({ state: 'short_code', shortCode: null })
    streams.at(-1)?.receive('attempt', scanned())
    await advance(10)
    expect(screen()).toMatchObject({ state: 'scanned', person: { name: 'Ada Byron' } })
    signIn.wantShortCode(false)
    expect(screen().state).toBe('scanned')
  })

  test('of an attempt that has expired is replaced by the one of the next attempt', async () => {
    await want(true)
    shortCodes = [[200, { shortCode: 'BBBB-CCCC', expiresInMs: 300_000 }]]
    streams.at(-1)?.receive('attempt', { ...pending(), version: 2, status: 'expired', expiresInMs: 0 })
    await advance(10)
    expect(screen()).toMatchObject({ state: 'short_code', shortCode: { letters: 'BBBB-CCCC' } })
    expect(asked()).toEqual(['POST /api/qr/attempt-1/short-code', 'POST /api/qr/attempt-2/short-code'])
  })

  test('is not shown after its time', async () => {
    shortCodes = [
      [200, { shortCode: 'WDJB-MJHT', expiresInMs: 5_000 }],
      [410, { code: 'attempt_ended' }],
    ]
    await want(true)
    expect(screen()).toMatchObject({ shortCode: { letters: 'WDJB-MJHT' } })
    await advance(5_000)
    expect(screen()).toEqual({ state: 'short_code', shortCode: null })
  })

  test('stays on the screen while the connection is lost', async () => {
    await want(true)
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('no network')
    })
    streams.at(-1)?.receive('bye', { retryMs: 1 })
    vi.stubGlobal('EventSource', function open() {
      const stream = new Stream()
      queueMicrotask(() => stream.dispatchEvent(new Event('error')))
      return stream
    })
    await advance(30_000)
    expect(screen()).toMatchObject({ state: 'reconnecting', code: { letters: 'WDJB-MJHT' } })
  })

  test.each([
    [[503, { code: 'unavailable' }], 'unavailable'],
    [[500, { code: 'internal', requestId: 'x' }], 'error'],
  ] as [Reply, string][])('shows a refusal %j as %s, and the next try succeeds', async (refused, state) => {
    shortCodes = [refused, [200, { shortCode: 'WDJB-MJHT', expiresInMs: 290_000 }]]
    await want(true)
    expect(screen().state).toBe(state)
    if (state === 'error') signIn.start()
    await advance(5_000)
    expect(screen()).toMatchObject(shown)
  })
})
