import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port'
import { until } from './until'

const OFTEN = { everyMs: 20 }

/** Whether a redis-server is installed. */
export function hasRedisServer(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** A real redis-server on its own port, without persistence and without delay in replication. */
export class RedisServer {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'qr-login-redis-'))
  readonly #more: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  #process: ChildProcess | null = null

  private constructor(port: number, more: readonly string[], env: Record<string, string>) {
    this.port = port
    this.#more = more
    this.#env = { ...process.env, ...env }
  }

  /** `more`: further arguments of the command line; `env`: further environment. */
  static async start(more: readonly string[] = [], env: Record<string, string> = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), more, env)
    await server.start()
    return server
  }

  /** Undefined while no process runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts the server, or restarts it empty on the same port. */
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
      '--repl-diskless-sync',
      'yes',
      '--repl-diskless-sync-delay',
      '0',
      '--dir',
      this.#folder,
      ...this.#more,
    ]
    this.#process = spawn('redis-server', args, { stdio: 'ignore', env: this.#env })
    await until(async () => (await this.send('PING').catch(() => '')).startsWith('+PONG'), OFTEN)
  }

  /** Kills the process, like a failing machine. The signal is sent synchronously. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    this.#process = null
  }

  /** Makes it a replica of `primary`, reached at `port`. Resolves when it has all its data. */
  async replicate(primary: RedisServer, port = primary.port): Promise<void> {
    await this.send(`REPLICAOF 127.0.0.1 ${port}`)
    // A replica that is online may still be loading, and then confirms no write.
    const write = 'SET replicating 1 PX 1000\r\nWAIT 1 100\r\n'
    await until(async () => (await primary.#exchange(write, /^:/m)).includes(':1'), OFTEN)
  }

  async isPrimary(): Promise<boolean> {
    return (await this.send('INFO replication')).includes('role:master')
  }

  /** Suspends the process until `thaw`: no responses, and no connection is closed. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Also works in an exit handler, where nothing can be awaited. */
  async dispose(): Promise<void> {
    const killed = this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
    await killed
  }

  /** Sends one command and resolves with the raw reply. Arguments with spaces need an array. */
  send(command: string | string[]): Promise<string> {
    if (typeof command === 'string') return this.#exchange(`${command}\r\n`)
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
    return this.#exchange(`*${command.length}\r\n${parts.join('')}`)
  }

  /** Sends the text and resolves with the replies once they match `complete`. */
  #exchange(text: string, complete = /^/): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(text))
      let replies = ''
      socket.on('data', (reply) => {
        replies += reply.toString()
        if (!complete.test(replies)) return
        socket.destroy()
        resolve(replies)
      })
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('closed without a reply')))
    })
  }
}
