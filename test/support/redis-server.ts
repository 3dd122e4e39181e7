import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port'

/** Whether a redis-server is installed. */
export function hasRedisServer(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** A real redis-server on a port of its own, with nothing on disk. */
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

  /** `more`: further settings, as words of the command line; `env`: more of its environment. */
  static async start(more: readonly string[] = [], env: Record<string, string> = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), more, env)
    await server.start()
    return server
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
      '--repl-diskless-sync-delay',
      '0',
      '--dir',
      this.#folder,
      ...this.#more,
    ]
    this.#process = spawn('redis-server', args, { stdio: 'ignore', env: this.#env })
    while (!(await this.#answers())) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Ends it at once, as a lost node does. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    this.#process = null
  }

  /** Becomes a replica of the other, and has all that it has when this resolves. */
  async replicate(primary: RedisServer): Promise<void> {
    await this.ask(`REPLICAOF 127.0.0.1 ${primary.port}`)
    // One that is online may still be loading: then it confirms nothing.
    const ask = 'SET replicating 1 PX 1000\r\nWAIT 1 100\r\n'
    const isDone = async () => (await primary.#exchange(ask, /^:/m)).includes(':1')
    while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Stops answering without closing anything; `thaw` lets it go on. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Sends one command in words, and gives back the reply as it comes. */
  ask(command: string): Promise<string> {
    return this.#exchange(`${command}\r\n`)
  }

  /** The same, for words with anything in them. */
  send(command: string[]): Promise<string> {
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
    return this.#exchange(`*${command.length}\r\n${parts.join('')}`)
  }

  /** Sends, and gives back what has come when it is `whole`. */
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
    })
  }

  async #answers(): Promise<boolean> {
    return (await this.ask('PING').catch(() => '')).startsWith('+PONG')
  }
}
