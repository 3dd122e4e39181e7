import { type ChildProcess, spawn } from 'node:child_process'
import { freePort } from './free-port'
import { until } from './until'

/** A server process on 127.0.0.1, without pages, that can be killed and started again. */
export class ServerProcess {
  readonly origin: string
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | null = null

  private constructor(port: number, env: Record<string, string>) {
    this.origin = `http://localhost:${port}`
    this.#env = { ...process.env, ...env, PORT: String(port) }
  }

  /** `env`: all settings but `PORT`. */
  static async create(env: Record<string, string>): Promise<ServerProcess> {
    return new ServerProcess(await freePort(), env)
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const args = ['--import', 'tsx', 'test/support/embedded-process.ts']
    this.#child = spawn(process.execPath, args, { env: this.#env, stdio: 'inherit' })
    await until(() => this.#isReady())
  }

  /** Sends SIGKILL, and resolves when the process is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Lets the process end by itself (SIGTERM), and resolves when it is gone. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  async #isReady(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error('the server has ended')
    const response = await fetch(`${this.origin}/api/health/ready`).catch(() => null)
    return response?.status === 200
  }
}
