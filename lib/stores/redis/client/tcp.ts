import { Breaker, withTimeout } from './breaker'
import { Connection } from './connection'
import {
  closedFailure,
  isUnknownScript,
  type Listener,
  type Redis,
  RedisFailure,
  type Reply,
  type Script,
} from './redis'
import { ReplicaConfirmation } from './replica-confirmation'

/** Minimum time between two replacements of the connections. */
const REPLACE_INTERVAL_MS = 1_000

/** A connection counts as stalled if a reply is pending and nothing has arrived for this long. */
const STALLED_MS = 1_000

const STALL_CHECK_INTERVAL_MS = 100

const PROBE = { intervalMs: 10_000, timeoutMs: 2_000 }

export interface TcpRedisOptions {
  /** `redis://` or `rediss://`. */
  url: string
  /** Monotonic, in ms. */
  now: () => number
  /** Receives the errors of lost connections. */
  onError: (error: unknown) => void
  /** How often the subscriber connection is probed, and how long the reply may take. */
  probe?: { intervalMs: number; timeoutMs: number }
}

/**
 * Redis over TCP or TLS: one connection for commands, one for subscriptions, and one for replica
 * confirmations while these are requested. Each is replaced automatically, also if it is half-open,
 * and if its server has become a replica.
 */
export class TcpRedis implements Redis {
  readonly #options: TcpRedisOptions
  readonly #breaker: Breaker
  readonly #replicas: ReplicaConfirmation
  readonly #probe: { intervalMs: number; timeoutMs: number }
  readonly #stallCheck: ReturnType<typeof setInterval>
  #commands: Connection
  #subscriber: Connection | null = null
  #subscribe: (() => Connection) | null = null
  #replacedAt: number
  /** The server is a replica. The address may lead new connections to the primary. */
  #isReadOnly = false
  #isClosed = false
  #probeTimer: ReturnType<typeof setInterval> | undefined

  constructor(options: TcpRedisOptions) {
    this.#options = options
    this.#probe = options.probe ?? PROBE
    this.#breaker = new Breaker(options.now)
    this.#commands = new Connection(options)
    this.#replacedAt = options.now()
    this.#replicas = new ReplicaConfirmation({
      now: options.now,
      open: () => new Connection(options),
      commands: () => this.#commands,
    })
    this.#stallCheck = setInterval(() => this.#checkCommands(), STALL_CHECK_INTERVAL_MS)
    this.#stallCheck.unref()
  }

  async run({ lua, sha }: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args]
    return await this.#breaker.run(async () => {
      try {
        return await this.#send(['EVALSHA', sha, ...rest])
      } catch (error) {
        if (!(error instanceof Error) || !isUnknownScript(error.message)) throw error
        return await this.#send(['EVAL', lua, ...rest])
      }
    })
  }

  subscribe(channel: string, { onMessage, onGap }: Listener): void {
    this.#subscribe = () => {
      const subscriber = new Connection(this.#options)
      subscriber.subscribe(channel, onMessage, onGap)
      return subscriber
    }
    this.#subscriber = this.#subscribe()
    this.#probeTimer = setInterval(() => void this.#checkSubscriber(), this.#probe.intervalMs)
    this.#probeTimer.unref()
  }

  async confirmDurable(key: string): Promise<void> {
    if (this.#isClosed) throw closedFailure()
    await this.#replicas.confirm(key)
  }

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen
  }

  async ping(): Promise<void> {
    await this.#breaker.run(() => this.#send(['PING']))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#stallCheck)
    clearInterval(this.#probeTimer)
    this.#replicas.close()
    for (const connection of [this.#commands, this.#subscriber]) connection?.destroy()
  }

  async #send(command: string[]): Promise<Reply> {
    if (this.#isClosed) throw closedFailure()
    if (this.#isReadOnly) this.#replace()
    const connection = this.#commands
    try {
      return await connection.send(command)
    } catch (error) {
      if (!(error instanceof RedisFailure) || connection !== this.#commands) throw error
      // The server may have accepted the connection and never reply: nothing else ends the wait
      // for the first reply.
      if (!connection.isReady) this.#replace()
      if (error.kind === 'read_only') {
        // After a failover the old primary continues to reply. The new connection may reach it
        // again: the next call then opens another one, at most once a second.
        this.#isReadOnly = true
        this.#replace()
      }
      throw error
    }
  }

  /** Opens new connections for commands and subscriptions, at most once a second. */
  #replace(): void {
    if (this.#isClosed) return
    const now = this.#options.now()
    if (now - this.#replacedAt < REPLACE_INTERVAL_MS) return
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
    const isStalled = () => this.#commands.silentMs >= STALLED_MS
    // If this process was busy, the reply is in its socket: it is read before the second check.
    if (isStalled()) setImmediate(() => isStalled() && this.#replace())
  }

  /** A connection that only receives does not notice that it is half-open. */
  async #checkSubscriber(): Promise<void> {
    const subscriber = this.#subscriber
    if (subscriber === null) return
    const { timeoutMs } = this.#probe
    const isAlive = await withTimeout(subscriber.send(['PING']), timeoutMs).then(
      () => true,
      // An error reply is a reply. A connection that is not ready counts as dead.
      (error: unknown) => !(error instanceof RedisFailure && (error.kind === 'late' || error.kind === 'connection')),
    )
    if (!isAlive && subscriber === this.#subscriber && !this.#isClosed) this.#replaceSubscriber()
  }
}
