import { Breaker, withDeadline } from './breaker'
import { Connection } from './connection'
import { isUnknownScript, type Listener, type Redis, RedisFailure, type Reply, type Script } from './redis'
import { ReplicaConfirmation } from './replica-confirmation'

/** Connections are replaced at most this often. */
const REPLACE_EVERY_MS = 1_000

/** A connection on which something waits, and nothing has come for so long, is as good as dead. */
const STUCK_MS = 1_000

/** How often it is looked whether it is. */
const LOOK_EVERY_MS = 100

const RHYTHM = { everyMs: 10_000, withinMs: 2_000 }

export interface TcpRedisOptions {
  /** `redis://` or `rediss://`. */
  url: string
  /** Monotonic, in ms. */
  now: () => number
  /** Receives the errors of lost connections. */
  onError: (error: unknown) => void
  /** How often the connection for messages is tried, and how long its answer may take. */
  rhythm?: { everyMs: number; withinMs: number }
}

/**
 * Redis over TCP or TLS: one connection for commands and one for messages, and one to confirm writes
 * while that is requested. Each comes back by itself, also when it died in silence, and when its server is a
 * replica now.
 */
export class TcpRedis implements Redis {
  readonly #options: TcpRedisOptions
  readonly #breaker: Breaker
  readonly #replicas: ReplicaConfirmation
  readonly #rhythm: { everyMs: number; withinMs: number }
  readonly #look: ReturnType<typeof setInterval>
  #commands: Connection
  #subscriber: Connection | null = null
  #subscribe: (() => Connection) | null = null
  #replacedAt: number
  /** The server was found to be a replica: the name may lead to a primary for new connections. */
  #isReadOnly = false
  #check: ReturnType<typeof setInterval> | undefined

  constructor(options: TcpRedisOptions) {
    this.#options = options
    this.#rhythm = options.rhythm ?? RHYTHM
    this.#breaker = new Breaker(options.now)
    this.#commands = new Connection(options)
    this.#replacedAt = options.now()
    this.#replicas = new ReplicaConfirmation({
      now: options.now,
      open: () => new Connection(options),
      commands: () => this.#commands,
    })
    this.#look = setInterval(() => this.#checkCommands(), LOOK_EVERY_MS)
    this.#look.unref()
  }

  async run({ lua, sha }: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args]
    return await this.#breaker.run(async () => {
      try {
        return await this.#ask(['EVALSHA', sha, ...rest])
      } catch (error) {
        if (!(error instanceof Error) || !isUnknownScript(error.message)) throw error
        return await this.#ask(['EVAL', lua, ...rest])
      }
    })
  }

  listen(channel: string, { onMessage, onGap }: Listener): void {
    this.#subscribe = () => {
      const subscriber = new Connection(this.#options)
      subscriber.subscribe(channel, onMessage, onGap)
      return subscriber
    }
    this.#subscriber = this.#subscribe()
    this.#check = setInterval(() => void this.#checkSubscriber(), this.#rhythm.everyMs)
    this.#check.unref()
  }

  async confirmDurable(key: string): Promise<void> {
    await this.#replicas.confirm(key)
  }

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen
  }

  async ping(): Promise<void> {
    await this.#breaker.run(() => this.#ask(['PING']))
  }

  async close(): Promise<void> {
    clearInterval(this.#look)
    clearInterval(this.#check)
    this.#replicas.close()
    for (const connection of [this.#commands, this.#subscriber]) connection?.destroy()
  }

  async #ask(command: string[]): Promise<Reply> {
    if (this.#isReadOnly) this.#replace()
    const connection = this.#commands
    try {
      return await connection.send(command)
    } catch (error) {
      if (!(error instanceof RedisFailure) || connection !== this.#commands) throw error
      // It may have met a server that took it and says nothing: then nothing else ends the wait for
      // its first reply.
      if (!connection.isReady) this.#replace()
      if (error.kind === 'read_only') {
        // After a failover the old primary goes on answering. The new connection may meet it once
        // more: then the next call, at most once a second, tries another.
        this.#isReadOnly = true
        this.#replace()
      }
      throw error
    }
  }

  /** New connections for both, at most once a second. */
  #replace(): void {
    const now = this.#options.now()
    if (now - this.#replacedAt < REPLACE_EVERY_MS) return
    this.#replacedAt = now
    this.#isReadOnly = false
    this.#commands.destroy()
    this.#commands = new Connection(this.#options)
    this.#replaceSubscriber()
  }

  #replaceSubscriber(): void {
    if (this.#subscribe === null) return
    this.#subscriber?.destroy()
    this.#subscriber = this.#subscribe()
  }

  #checkCommands(): void {
    const isStuck = () => this.#commands.silentMs >= STUCK_MS
    // A process that was busy itself finds the reply in its socket: it is to be read first.
    if (isStuck()) setImmediate(() => isStuck() && this.#replace())
  }

  /** A connection that only listens does not notice that nothing is sent any more. */
  async #checkSubscriber(): Promise<void> {
    const subscriber = this.#subscriber
    if (subscriber === null) return
    const { withinMs } = this.#rhythm
    const isAlive = await withDeadline(subscriber.send(['PING']), withinMs).then(
      () => true,
      // A refusal is an answer. One that is not ready yet has the same time.
      (error: unknown) => !(error instanceof RedisFailure && (error.kind === 'late' || error.kind === 'connection')),
    )
    if (!isAlive && subscriber === this.#subscriber) this.#replaceSubscriber()
  }
}
