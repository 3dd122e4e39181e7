import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { freePort, until } from './server'

/** Whether a redis-server is installed. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** A real redis-server on a port of its own, with nothing on disk. */
export class Redis {
  readonly port: number
  readonly #more: string[]
  readonly #env: NodeJS.ProcessEnv
  #process: ChildProcess | null = null

  private constructor(port: number, more: string[], env: Record<string, string>) {
    this.port = port
    this.#more = more
    this.#env = { ...process.env, ...env }
  }

  /** `more`: further settings, as words of the command line; `env`: more of its environment. */
  static async start(more: string[] = [], env: Record<string, string> = {}): Promise<Redis> {
    const redis = new Redis(await freePort(), more, env)
    await redis.start()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, or starts it again, empty. */
  async start(): Promise<void> {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      '/tmp',
      ...this.#more,
    ]
    this.#process = spawn('redis-server', args, { stdio: 'ignore', env: this.#env })
    await until(async () => (await this.ask('PING').catch(() => '')).startsWith('+PONG'))
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === null) return
    this.#process = null
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** It stops answering, without closing anything. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Sends one command in words; the reply as it comes. */
  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${command}\r\n`))
      socket.once('data', (reply) => {
        socket.destroy()
        resolve(reply.toString())
      })
      socket.once('error', reject)
    })
  }
}
