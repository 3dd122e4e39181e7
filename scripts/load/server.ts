// The built app under load: started, measured from outside, and ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port'

/** Of Linux, in which `/proc` counts. */
const PAGE_BYTES = 4096
const TICKS_PER_S = 100

/** As FIRST_EVENT_MS in lib/client/transports/event-stream.ts. */
const FIRST_FRAME_MS = 3_000

interface SendOptions {
  body?: unknown
  cookie?: string
  timeoutMs?: number
}

/** The fields of response bodies that the load scripts read. See PROTOCOL.md. */
interface ResponseBody {
  id?: string
  code?: { url: string }
  claim?: string
  ticket?: string
}

interface LoadResponse {
  status: number
  /** Empty where the body is not a JSON object. */
  json: ResponseBody
  /** The first cookie that the response sets, as a request sends it; empty without one. */
  cookie: string
  retryAfterMs: number
}

/** The API's path of an attempt, its code, and the cookie of its browser. */
interface StartedAttempt {
  path: string
  code: string
  cookie: string
}

export class LoadedServer {
  readonly #settings: Record<string, string>
  readonly #nodeArgs: string[]
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'qr-login-load-'))
  /** 0 until it is chosen by `start`. */
  port: number
  process: ChildProcess | null = null
  readonly agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

  constructor(settings: Record<string, string>, nodeArgs: string[] = [], port = 0) {
    this.#settings = settings
    this.#nodeArgs = nodeArgs
    this.port = port
    process.once('exit', () => rmSync(this.#dataDir, { recursive: true, force: true }))
  }

  /** Resolves when it is ready. After `end` it starts again, with the same address and data. */
  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort()
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: 'production',
      PORT: String(this.port),
      PUBLIC_ORIGIN: `http://localhost:${this.port}`,
      SESSION_SECRET: 'a secret for load tests that is long enough',
      DATA_DIR: this.#dataDir,
      DEMO_ACCOUNTS: 'true',
      RATE_LIMIT_SCALE: '100000',
      MAX_STREAMS: '100000',
      LOG_LEVEL: 'warn',
      ...this.#settings,
    }
    this.process = spawn(process.execPath, [...this.#nodeArgs, 'scripts/start.mjs'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    for (;;) {
      if (this.process.exitCode !== null) throw new Error('the server has ended')
      const status = await this.send('GET', '/api/health/ready').then(
        (response) => response.status,
        () => 0,
      )
      if (status === 200) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Resident memory, in bytes. */
  rss(): number {
    return Number(readFileSync(`/proc/${this.process?.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  }

  /** CPU time used so far, in ms. */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.process?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_S
  }

  send(method: string, path: string, { body, cookie = '', timeoutMs }: SendOptions = {}): Promise<LoadResponse> {
    const text = body === undefined ? '' : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const outgoing = request({
        port: this.port,
        host: '127.0.0.1',
        method,
        path,
        agent: this.agent,
        headers: this.#headers(cookie, text),
        ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
      })
      outgoing.on('error', reject)
      outgoing.on('response', (response) => {
        let read = ''
        response.on('data', (chunk) => {
          read += chunk
        })
        response.on('end', () => {
          const [line = ''] = response.headers['set-cookie'] ?? []
          const json = read.startsWith('{') ? (JSON.parse(read) as ResponseBody) : {}
          const retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1_000
          resolve({ status: response.statusCode ?? 0, json, cookie: line.split(';')[0] ?? '', retryAfterMs })
        })
      })
      outgoing.end(text)
    })
  }

  /**
   * Opens a stream: `onText` receives its chunks, `onEnd` is called when it ends. Resolves with a
   * function that closes it; rejects when the response takes too long.
   */
  stream(
    path: string,
    cookie: string,
    onText: (text: string) => void,
    onEnd: () => void = () => {},
  ): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        port: this.port,
        host: '127.0.0.1',
        path,
        agent: false,
        headers: this.#headers(cookie, ''),
      })
      outgoing.on('error', reject)
      const late = setTimeout(() => outgoing.destroy(new Error('no stream')), FIRST_FRAME_MS)
      outgoing.on('response', (response) => {
        clearTimeout(late)
        if (response.statusCode !== 200) reject(new Error(`the response to a stream is ${response.statusCode}`))
        response.on('data', (chunk) => onText(String(chunk)))
        response.on('error', onEnd)
        response.on('end', onEnd)
        resolve(() => outgoing.destroy())
      })
      outgoing.end()
    })
  }

  /** Starts an attempt in a new browser. */
  async startAttempt(): Promise<StartedAttempt> {
    const { status, json, cookie } = await this.send('POST', '/api/qr', { body: {} })
    const code = json.code?.url.split('#')[1]
    if (json.id === undefined || code === undefined) throw new Error(`the response to a start is ${status}`)
    return { path: `/api/qr/${json.id}`, code, cookie }
  }

  /** Returns the cookie of the phone. */
  async signInPhone(username: string): Promise<string> {
    return (await this.send('POST', '/api/phone/session', { body: { username, password: 'demo' } })).cookie
  }

  /** Returns the time until it had ended, in ms. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const startedAt = performance.now()
    this.agent.destroy()
    return new Promise((resolve) => {
      this.process?.once('exit', () => {
        resolve(performance.now() - startedAt)
      })
      this.process?.kill(signal)
    })
  }

  #headers(cookie: string, text: string): Record<string, string | number> {
    return {
      'Sec-Fetch-Site': 'same-origin',
      Host: `localhost:${this.port}`,
      ...(cookie === '' ? {} : { Cookie: cookie }),
      ...(text === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    }
  }
}
