import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AttemptView } from '../core/attempt/views'
import { declineApp } from './decline-app'
import { SignIn, type SignInOptions } from './sign-in'

/** A sign-in that an app has asked for, on the computer. */

const ADA = { name: 'Ada Byron', avatarUrl: null }

type Reply = [status: number, body: unknown]

class Stream extends EventTarget {
  close(): void {}

  receive(attempt: AttemptView): void {
    this.dispatchEvent(new MessageEvent('attempt', { data: JSON.stringify(attempt) }))
  }
}

const page = new EventTarget()
let streams: Stream[]
let sent: [string, unknown][]
/** The responses to each request, by method and path. */
let replies: Record<string, Reply>
let wentTo: (string | null)[]
let close: () => void
let signIn: SignIn

const PENDING: AttemptView = {
  id: 'attempt',
  version: 1,
  status: 'pending',
  expiresInMs: 300_000,
  code: { url: 'https://login.example.com/q#code', expiresInMs: 30_000 },
}
const CONFIRMED: AttemptView = {
  id: 'attempt',
  version: 3,
  status: 'confirmed',
  expiresInMs: 60_000,
  person: ADA,
  ticket: 'ticket',
}
const DENIED: AttemptView = { id: 'attempt', version: 3, status: 'cancelled', expiresInMs: 0, cancelledBy: 'phone' }

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const starts = () => sent.filter(([request]) => request === 'POST /api/qr').map(([, body]) => body)

async function open(options: Partial<SignInOptions>): Promise<void> {
  signIn = new SignIn({ already: null, onSignedIn: (next) => wentTo.push(next), ...options })
  close = signIn.open()
  await advance(10)
}

beforeEach(() => {
  vi.useFakeTimers()
  streams = []
  sent = []
  wentTo = []
  close = () => {}
  replies = { 'POST /api/qr': [201, PENDING] }
  vi.stubGlobal('document', Object.assign(page, { visibilityState: 'visible' }))
  vi.stubGlobal('window', page)
  vi.stubGlobal('navigator', { onLine: true })
  vi.stubGlobal('EventSource', function openStream() {
    const stream = new Stream()
    streams.push(stream)
    queueMicrotask(() => stream.receive(PENDING))
    return stream
  })
  vi.stubGlobal('fetch', async (path: string, { method = 'GET', body }: RequestInit) => {
    sent.push([`${method} ${path}`, body === undefined ? undefined : JSON.parse(String(body))])
    const [status, answer] = replies[`${method} ${path}`] ?? [204, null]
    return new Response(answer === null ? null : JSON.stringify(answer), { status })
  })
})
afterEach(() => {
  close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('the request of an app', () => {
  test('is named with every new code', async () => {
    await open({ interaction: 'request' })
    streams.at(-1)?.receive(DENIED)
    expect(signIn.screen.get()).toEqual({ state: 'denied' })
    signIn.start()
    await advance(10)
    streams.at(-1)?.receive({ ...PENDING, version: 2, status: 'expired', expiresInMs: 0 })
    await advance(10)
    expect(starts()).toEqual(Array(3).fill({ interaction: 'request' }))
  })

  test('starts a sign-in although a person is signed in', async () => {
    await open({ interaction: 'request', already: ADA })
    expect(starts()).toEqual([{ interaction: 'request' }])
    expect(signIn.screen.get().state).toBe('ready')
  })

  test('goes on at the path that the redeem names', async () => {
    replies['POST /api/qr/attempt/redeem'] = [200, { next: '/oidc/auth/request' }]
    await open({ interaction: 'request' })
    streams.at(-1)?.receive(CONFIRMED)
    await advance(10)
    expect(wentTo).toEqual(['/oidc/auth/request'])
  })

  test('whose redeem is refused gets a new code: the browser may have been signed in before', async () => {
    replies['POST /api/qr/attempt/redeem'] = [409, { code: 'wrong_state' }]
    replies['GET /api/session'] = [200, { signedIn: true }]
    await open({ interaction: 'request' })
    streams.at(-1)?.receive(CONFIRMED)
    await advance(10)
    expect([wentTo, starts().length]).toEqual([[], 2])
  })

  test('that has run out meanwhile shows `lost_request`, and no further request is sent', async () => {
    replies['POST /api/qr'] = [404, { code: 'interaction_unknown' }]
    await open({ interaction: 'request' })
    await advance(600_000)
    expect([signIn.screen.get(), starts().length]).toEqual([{ state: 'lost_request' }, 1])
  })

  test('that the server did not find starts nothing', async () => {
    await open({ interaction: 'request', isRequestLost: true })
    await advance(600_000)
    page.dispatchEvent(new Event('visibilitychange'))
    await advance(10)
    expect([signIn.screen.get(), sent]).toEqual([{ state: 'lost_request' }, []])
  })
})

describe('without an app', () => {
  test('no request is named, and there is no path to go on at', async () => {
    replies['POST /api/qr/attempt/redeem'] = [200, {}]
    await open({})
    streams.at(-1)?.receive(CONFIRMED)
    await advance(10)
    expect([starts(), wentTo]).toEqual([[{}], [null]])
  })

  test('a redeem that is refused after its response was lost is a sign-in', async () => {
    replies['POST /api/qr/attempt/redeem'] = [409, { code: 'wrong_state' }]
    replies['GET /api/session'] = [200, { signedIn: true }]
    await open({})
    streams.at(-1)?.receive(CONFIRMED)
    await advance(10)
    expect(wentTo).toEqual([null])
  })

  test('a person who is signed in may continue', async () => {
    await open({ already: ADA })
    signIn.continueAsSignedIn()
    expect([sent, wentTo]).toEqual([[], [null]])
  })
})

describe('"Back to the app"', () => {
  test('ends the request, and leads to the path that tells the app', async () => {
    replies['POST /api/interactions/a%2Fb/decline'] = [200, { next: '/oidc/auth/a' }]
    expect(await declineApp('a/b')).toBe('/oidc/auth/a')
  })

  test('leads nowhere when the request has run out', async () => {
    replies['POST /api/interactions/request/decline'] = [404, { code: 'interaction_unknown' }]
    expect(await declineApp('request')).toBeNull()
  })
})
