import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../../test/support/free-port'
import { until } from '../../test/support/until'
import { checkResponsesOf } from './response-check'

export { freePort, until }

export type Settings = Record<string, string>

interface Build {
  /** Folder of the built app. */
  folder?: string
  /** Ours (`npm start`), or Next's, as platforms run it. */
  server?: 'ours' | 'next'
}

/** The built app, on its own port and with its own data folder. */
export class Server {
  readonly port: number
  readonly origin: string
  readonly #settings: Settings
  readonly #folder: string
  readonly #args: string[]
  readonly #ownDataDir = mkdtempSync(join(tmpdir(), 'qr-login-e2e-'))
  /** `SESSION_SECRET`. */
  readonly secret = randomBytes(32).toString('hex')
  #process: ChildProcess | null = null
  /** Everything that the process has printed. */
  output = ''
  /** Of a process that exited during the start. */
  exitCode: number | null = null

  constructor(port: number, settings: Settings, { folder = '.', server = 'ours' }: Build = {}) {
    this.port = port
    this.#folder = folder
    this.#args =
      server === 'ours'
        ? ['scripts/start.mjs']
        : [resolve('node_modules/next/dist/bin/next'), 'start', '--port', String(port)]
    this.origin = `http://localhost:${port}`
    this.#settings = settings
  }

  static async start(settings: Settings = {}): Promise<Server> {
    const server = new Server(await freePort(), settings)
    await server.start()
    return server
  }

  get dataDir(): string {
    return this.#settings.DATA_DIR ?? this.#ownDataDir
  }

  /** Undefined while no process runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts the server, or restarts it with the same data and settings. Waits until it is ready. */
  async start(): Promise<void> {
    const env = {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      PORT: String(this.port),
      PUBLIC_ORIGIN: this.origin,
      SESSION_SECRET: this.secret,
      DATA_DIR: this.#ownDataDir,
      DEMO_ACCOUNTS: 'true',
      RATE_LIMIT_SCALE: '1000',
      // `Agent` confirms without a delay. Pages wait anyway.
      CONFIRM_MIN_MS: '0',
      ...this.#settings,
    } as NodeJS.ProcessEnv
    const child = spawn(process.execPath, this.#args, { env, cwd: this.#folder })
    this.#process = child
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    await until(async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        this.exitCode = child.exitCode
        throw new Error(`the server ended:\n${this.output}`)
      }
      const response = await fetch(`${this.origin}/api/health/ready`).catch(() => null)
      return response?.ok ?? false
    })
    await checkResponsesOf(this.origin)
  }

  /** Sends the signal and waits for the exit. `ms`: how long that took. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ ms: number; code: number | null }> {
    const child = this.#process
    if (child === null || child.exitCode !== null) return { ms: 0, code: child?.exitCode ?? null }
    const startedAt = performance.now()
    const ended = this.ended()
    child.kill(signal)
    const code = await ended
    this.#process = null
    return { ms: performance.now() - startedAt, code }
  }

  /** Sends a signal without waiting for the exit. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** Resolves with the exit code; null if a signal ended the process. */
  async ended(): Promise<number | null> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    return await new Promise((resolve) => child.once('exit', resolve))
  }

  /** Overwrites the files of the store, like a failing disk. */
  corruptStore(): void {
    for (const name of readdirSync(this.dataDir).filter((file) => file.includes('.db'))) {
      const path = join(this.dataDir, name)
      const file = openSync(path, 'r+')
      writeSync(file, Buffer.alloc(statSync(path).size, 0x5a), 0, null, 0)
      closeSync(file)
    }
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.#ownDataDir, { recursive: true, force: true })
  }
}
