// The built app under load: started, looked at from outside, and ended.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of Linux, in which `/proc` counts. */
const PAGE_BYTES = 4096
const TICKS_PER_S = 100

/** As FIRST_EVENT_MS in lib/client/transports/event-stream.ts. */
const FIRST_FRAME_MS = 3_000

export class LoadedServer {
  /** @param {Record<string, string>} settings @param {string[]} nodeArgs */
  constructor(settings, nodeArgs = []) {
    this.settings = settings
    this.nodeArgs = nodeArgs
    this.dataDir = mkdtempSync(join(tmpdir(), 'qr-login-load-'))
    /** @type {import('node:child_process').ChildProcess | null} */
    this.process = null
    this.port = 0
    this.agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
    process.once('exit', () => rmSync(this.dataDir, { recursive: true, force: true }))
  }

  /** Resolves when it is ready. Once more after `end`: at the same address, with the same data. */
  async start() {
    if (this.port === 0) this.port = await freePort()
    /** @type {NodeJS.ProcessEnv} */
    const env = {
      ...process.env,
      NODE_ENV: 'production',
      PORT: String(this.port),
      PUBLIC_ORIGIN: `http://localhost:${this.port}`,
      SESSION_SECRET: 'a secret for load tests that is long enough',
      DATA_DIR: this.dataDir,
      DEMO_ACCOUNTS: 'true',
      RATE_LIMIT_SCALE: '100000',
      MAX_STREAMS: '100000',
      LOG_LEVEL: 'warn',
      ...this.settings,
    }
    this.process = spawn(process.execPath, [...this.nodeArgs, 'scripts/start.mjs'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    for (;;) {
      if (this.process.exitCode !== null) throw new Error('the server has ended')
      const status = await this.send('GET', '/api/health/ready').then(
        (answer) => answer.status,
        () => 0,
      )
      if (status === 200) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Resident memory, in bytes. */
  rss() {
    return Number(readFileSync(`/proc/${this.process?.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  }

  /** CPU time used so far, in ms. */
  cpuMs() {
    const fields = readFileSync(`/proc/${this.process?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_S
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: unknown, cookie?: string, timeoutMs?: number }} [options]
   * @returns {Promise<{ status: number, json: any, cookie: string, retryAfterMs: number }>}
   */
  send(method, path, { body, cookie = '', timeoutMs } = {}) {
    const text = body === undefined ? '' : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const asked = request({
        port: this.port,
        host: '127.0.0.1',
        method,
        path,
        agent: this.agent,
        headers: this.#headers(cookie, text),
        ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
      })
      asked.on('error', reject)
      asked.on('response', (response) => {
        let read = ''
        response.on('data', (chunk) => {
          read += chunk
        })
        response.on('end', () => {
          const [line = ''] = response.headers['set-cookie'] ?? []
          const json = read.startsWith('{') ? JSON.parse(read) : null
          const retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1_000
          resolve({ status: response.statusCode ?? 0, json, cookie: line.split(';')[0] ?? '', retryAfterMs })
        })
      })
      asked.end(text)
    })
  }

  /**
   * Opens a stream; `onText` hears what comes, `onEnd` that it is over. Resolves when it is open;
   * rejects when that takes too long.
   * @param {string} path
   * @param {string} cookie
   * @param {(text: string) => void} onText
   * @param {() => void} [onEnd]
   * @returns {Promise<() => void>} closes it
   */
  stream(path, cookie, onText, onEnd = () => {}) {
    return new Promise((resolve, reject) => {
      const asked = request({
        port: this.port,
        host: '127.0.0.1',
        path,
        agent: false,
        headers: this.#headers(cookie, ''),
      })
      asked.on('error', reject)
      const late = setTimeout(() => asked.destroy(new Error('no stream')), FIRST_FRAME_MS)
      asked.on('response', (response) => {
        clearTimeout(late)
        if (response.statusCode !== 200) reject(new Error(`a stream answered ${response.statusCode}`))
        response.on('data', (chunk) => onText(String(chunk)))
        response.on('error', onEnd)
        response.on('end', onEnd)
        resolve(() => asked.destroy())
      })
      asked.end()
    })
  }

  /** An attempt of a browser of its own. */
  async startAttempt() {
    const { json, cookie } = await this.send('POST', '/api/qr', { body: {} })
    return { path: `/api/qr/${json.id}`, code: json.code.url.split('#')[1], cookie }
  }

  /** @param {string} username */
  async signInPhone(username) {
    return (await this.send('POST', '/api/phone/session', { body: { username, password: 'demo' } })).cookie
  }

  /** @param {NodeJS.Signals} signal @returns {Promise<number>} the ms until it had ended */
  end(signal = 'SIGTERM') {
    const startedAt = performance.now()
    this.agent.destroy()
    return new Promise((resolve) => {
      this.process?.once('exit', () => {
        resolve(performance.now() - startedAt)
      })
      this.process?.kill(signal)
    })
  }

  /** @param {string} cookie @param {string} text */
  #headers(cookie, text) {
    return {
      'Sec-Fetch-Site': 'same-origin',
      Host: `localhost:${this.port}`,
      ...(cookie === '' ? {} : { Cookie: cookie }),
      ...(text === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    }
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(address)))
    })
  })
}
