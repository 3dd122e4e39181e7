import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { AttemptView, Review } from '../../lib/core/attempt/views'
import { parseConfig } from '../../lib/server/config'
import { type Context, createQrLogin, type QrLogin } from '../../lib/server/create-server'
import { openSqlite } from '../../lib/stores/sqlite/open'
import { T0 } from './fixtures'
import { fromPeer } from './peer'

export const ORIGIN = 'https://login.example.com'

/** The handlers of the API with the real services and the embedded store, without a server. */
export class App {
  now = T0
  qrLogin: QrLogin
  readonly #env: Record<string, string>
  readonly #clock: () => number
  readonly folder = mkdtempSync(join(tmpdir(), 'qr-login-test-'))

  /** Without `clock`, the time is `now`, which only the test changes. */
  constructor(env: Record<string, string> = {}, clock: (() => number) | null = null) {
    this.#env = { ...env }
    this.#clock = clock ?? (() => this.now)
    this.qrLogin = this.#boot()
  }

  /** Replaces the services by new ones on the same data. `env`: changed settings. */
  restart(env: Record<string, string> = {}): void {
    Object.assign(this.#env, env)
    void this.qrLogin.close()
    this.qrLogin = this.#boot()
  }

  /** Every later access to rate limits and nonces fails, as on a broken disk. */
  breakLimits(): void {
    openSqlite(this.folder, 'qr-login.db', 'DROP TABLE counters; DROP TABLE used;').close()
  }

  dispose(): void {
    void this.qrLogin.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  get context(): Context {
    return this.qrLogin.context
  }

  async handle(request: Request): Promise<Response> {
    return await this.qrLogin.handle(request)
  }

  #boot(): QrLogin {
    const env = {
      NODE_ENV: 'production',
      PUBLIC_ORIGIN: ORIGIN,
      SESSION_SECRET: 'a secret for tests that is long enough',
      DATA_DIR: this.folder,
      DEMO_ACCOUNTS: 'true',
      LOG_LEVEL: 'silent',
      // Tests confirm without a delay.
      CONFIRM_MIN_MS: '0',
      ...this.#env,
    }
    const config = parseConfig(env, { lanAddress: null, loadSecret: () => 'x'.repeat(43) })
    // The event loop of a test is always busy, but admission control must not shed requests.
    return createQrLogin({ config, now: this.#clock, activeMs: () => 0 })
  }
}

interface SendOptions {
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** `Sec-Fetch-Site`; null: the header is not sent. */
  site?: string | null
}

/** A browser: keeps its cookies and sends `Sec-Fetch-Site`. */
export class Browser {
  readonly app: App
  readonly cookies = new Map<string, string>()
  address = '203.0.113.7'

  constructor(app: App) {
    this.app = app
  }

  async send(
    method: string,
    path: string,
    { body, headers = {}, signal, site = 'same-origin' }: SendOptions = {},
  ): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const init: RequestInit = {
      method,
      headers: fromPeer(this.address, {
        ...(site === null ? {} : { 'Sec-Fetch-Site': site }),
        'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      }),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }
    const response = await this.app.handle(new Request(this.app.context.publicOrigin + path, init))
    for (const line of response.headers.getSetCookie()) this.#storeCookie(line)
    return response
  }

  /** Returns the JSON of a 2xx response, and throws for any other. */
  async get<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.send(method, path, body === undefined ? {} : { body })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  start(): Promise<AttemptView> {
    return this.get('POST', '/api/qr', {})
  }

  scan(attempt: AttemptView): Promise<Review> {
    return this.get('POST', '/api/qr/scan', { code: codeOf(attempt) })
  }

  signInPhone(username: string): Promise<unknown> {
    return this.get('POST', '/api/phone/session', { username, password: 'demo' })
  }

  #storeCookie(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = '', value = ''] = pair.split('=')
    if (attributes.includes('Max-Age=0')) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

export function codeOf(attempt: AttemptView): string {
  return attempt.code?.url.split('#')[1] ?? ''
}

/** A browser that is signed in as a phone. */
export async function signedInPhone(app: App, username: string): Promise<Browser> {
  const phone = new Browser(app)
  await phone.signInPhone(username)
  return phone
}

/** A complete sign-in. Returns the computer's browser, signed in as the phone's person. */
export async function signInComputer(app: App, phone: Browser, computer = new Browser(app)): Promise<Browser> {
  const attempt = await computer.start()
  const { claim } = await phone.scan(attempt)
  await phone.get('POST', '/api/qr/confirm', { claim })
  const { ticket } = await computer.get<AttemptView>('GET', `/api/qr/${attempt.id}`)
  await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  return computer
}

/** The status and the error code of a refusal. */
export async function refusal(response: Response): Promise<{ status: number; code: unknown }> {
  const { code } = (await response.json()) as { code?: unknown }
  return { status: response.status, code }
}

/** The frames of a stream as text, until it ends or `count` frames are read. */
export async function readFrames(response: Response, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  const frames = () => text.split('\n\n').filter((frame) => frame !== '')
  while (frames().length < count) {
    const { done, value } = await reader.read()
    if (done) return frames()
    text += decoder.decode(value, { stream: true })
  }
  reader.releaseLock()
  return frames()
}

/** Counts how often this event is encoded as a frame, until `vi.restoreAllMocks`. */
export function countEncodings(event: string): () => number {
  const encode = vi.spyOn(TextEncoder.prototype, 'encode')
  return () => encode.mock.calls.filter(([text]) => text?.startsWith(`event: ${event}\n`)).length
}

/** The parsed data of a frame. */
export function dataOf<T>(frame: string | undefined): T {
  const line = frame?.split('\n').find((each) => each.startsWith('data: '))
  return JSON.parse(line?.slice('data: '.length) ?? 'null') as T
}
