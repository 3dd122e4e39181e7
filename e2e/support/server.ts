import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../../test/support/free-port'
import { until } from '../../test/support/until'
import { checkAnswersOf } from './answers'

export { freePort, until }

export type Settings = Record<string, string>

interface Build {
  /** Where the built app is. */
  folder?: string
  /** Ours (`npm start`), or Next's, as platforms run it. */
  server?: 'ours' | 'next'
}

/** One built app on a port of its own, with a data folder of its own. */
export class Server {
  readonly port: number
  readonly origin: string
  readonly #settings: Settings
  readonly #folder: string
  readonly #args: string[]
  readonly #ownDataDir = mkdtempSync(join(tmpdir(), 'qr-login-e2e-'))
  /** What all its keys come from. */
  readonly secret = randomBytes(32).toString('hex')
  #process: ChildProcess | null = null
  /** Everything that the process has printed. */
  output = ''
  /** Of the process that ended by itself while it was started. */
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

  /** Of the process that runs; undefined while none does. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts it, or starts it again with the same data and settings. */
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
      // Clients without a screen confirm as fast as they can; pages wait all the same.
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
    await checkAnswersOf(this.origin)
  }

  /** Ends it by the signal and resolves with how long that took. */
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

  /** Sends it a signal, and does not wait for what comes of that. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** Resolves with the exit code when it has ended; null when a signal has ended it. */
  async ended(): Promise<number | null> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    return await new Promise((resolve) => child.once('exit', resolve))
  }

  /** Overwrites the store's files, as a failing disk does. */
  spoilStore(): void {
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
