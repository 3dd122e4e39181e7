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

/**
 * A real redis-server on a port of its own, with nothing on disk. A replica starts its first
 * synchronization at once.
 */
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

  /** Of the running process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, or starts it again, empty, on the same port. */
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

  /** Kills it, as when a machine fails. The signal is sent before this returns. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    this.#process = null
  }

  /**
   * Makes it a replica of the other, which it connects to at `port`. Resolves when it has all data
   * of the primary.
   */
  async replicate(primary: RedisServer, port = primary.port): Promise<void> {
    await this.send(`REPLICAOF 127.0.0.1 ${port}`)
    // A replica that is online may still be loading: then it confirms no write.
    const write = 'SET replicating 1 PX 1000\r\nWAIT 1 100\r\n'
    await until(async () => (await primary.#exchange(write, /^:/m)).includes(':1'), OFTEN)
  }

  async isPrimary(): Promise<boolean> {
    return (await this.send('INFO replication')).includes('role:master')
  }

  /** Suspends the process, so that it responds to nothing and closes nothing, until `thaw`. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** May be called in an exit handler: what it awaits is not required. */
  async dispose(): Promise<void> {
    const killed = this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
    await killed
  }

  /**
   * Sends one command, and resolves with the raw reply. An array is for arguments with spaces in
   * them.
   */
  send(command: string | string[]): Promise<string> {
    if (typeof command === 'string') return this.#exchange(`${command}\r\n`)
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
    return this.#exchange(`*${command.length}\r\n${parts.join('')}`)
  }

  /** Sends the text, and resolves with the replies once they match `whole`. */
  #exchange(text: string, whole = /^/): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(text))
      let replies = ''
      socket.on('data', (reply) => {
        replies += reply.toString()
        if (!whole.test(replies)) return
        socket.destroy()
        resolve(replies)
      })
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('closed without a reply')))
    })
  }
}
