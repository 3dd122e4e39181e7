import { createClient, ErrorReply } from '@redis/client'
import { operationalKindOf, RedisFailure, type Reply } from './redis'

const CONNECT_TIMEOUT_MS = 2_000
const RECONNECT_MIN_MS = 50
const RECONNECT_MAX_MS = 1_000

/**
 * How long a call waits for a connection that is being opened. Shorter than the timeout of a call.
 */
const READY_TIMEOUT_MS = 400

/** Maximum number of commands that wait for a reply: with more, the server counts as down. */
const MAX_PENDING = 10_000

export interface ConnectionOptions {
  /** `redis://` or `rediss://`. */
  url: string
  /** Monotonic, in ms. */
  now: () => number
  /** Receives the errors of lost connections. */
  onError: (error: unknown) => void
}

/**
 * One connection to a Redis, which reconnects automatically. Replies arrive in the order of the
 * commands: if one is late, all later ones are late too, and nothing has arrived since the last.
 */
export class Connection {
  readonly #client: ReturnType<typeof open>
  readonly #now: () => number
  #pending = 0
  #repliedAt = 0
  #lostAt: number
  #wasReady = false
  #opened = 0
  #onReady: (() => void)[] = []

  constructor(options: ConnectionOptions) {
    this.#now = options.now
    this.#lostAt = options.now()
    this.#client = open(options)
    this.#client.on('ready', () => {
      this.#opened += 1
      this.#wasReady = true
      for (const resolve of this.#onReady.splice(0)) resolve()
    })
    // Emitted when the connection is lost, and at each retry.
    this.#client.on('reconnecting', () => {
      if (this.#wasReady) this.#lostAt = this.#now()
      this.#wasReady = false
    })
    this.#client.connect().catch(options.onError)
  }

  get isReady(): boolean {
    return this.#client.isReady
  }

  /** How often it was opened. If the number has changed, it may lead to another server. */
  get opened(): number {
    return this.#opened
  }

  /** How long no reply has arrived although one is pending, in ms. 0: none is pending. */
  get silentMs(): number {
    return this.#pending === 0 ? 0 : this.#now() - this.#repliedAt
  }

  /**
   * Waits for the connection if it is being opened, but not if it was lost more than
   * `READY_TIMEOUT_MS` ago.
   * @throws RedisFailure if there is no connection, it is lost, or the error reply reports the
   * server's state; any other error reply as the library's error.
   */
  async send(command: string[]): Promise<Reply> {
    if (!this.isReady) await this.#untilReady()
    if (this.#pending === 0) this.#repliedAt = this.#now()
    this.#pending += 1
    try {
      return await this.#client.sendCommand<Reply>(command)
    } catch (error) {
      throw toFailure(error)
    } finally {
      this.#pending -= 1
      this.#repliedAt = this.#now()
    }
  }

  /**
   * Subscribes to one channel. `onReady` is called each time the subscription is active, also after
   * an interruption.
   */
  subscribe(channel: string, onMessage: (message: string) => void, onReady: () => void): void {
    let isSubscribed = false
    const subscribe = () => {
      // The first time it has to be sent. After an interruption the library has subscribed again
      // before it emits `ready`.
      if (isSubscribed) return onReady()
      this.#client.subscribe(channel, onMessage).then(
        () => {
          isSubscribed = true
          onReady()
        },
        () => {},
      )
    }
    this.#client.on('ready', subscribe)
  }

  destroy(): void {
    this.#client.destroy()
    for (const resolve of this.#onReady.splice(0)) resolve()
  }

  async #untilReady(): Promise<void> {
    const ms = this.#lostAt + READY_TIMEOUT_MS - this.#now()
    if (ms > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined
      await new Promise<void>((resolve) => {
        this.#onReady.push(resolve)
        timer = setTimeout(resolve, ms)
      })
      clearTimeout(timer)
    }
    if (!this.isReady) throw new RedisFailure('there is no connection to the store', { kind: 'connection' })
  }
}

function toFailure(error: unknown): unknown {
  if (!(error instanceof ErrorReply)) {
    return new RedisFailure('the connection to the store failed', { kind: 'connection', cause: error })
  }
  const kind = operationalKindOf(error.message)
  return kind === null ? error : new RedisFailure('the store cannot execute this now', { kind, cause: error })
}

function open({ url, onError }: ConnectionOptions) {
  const client = createClient({
    url,
    RESP: 2,
    // A queued command would be sent after its caller has timed out.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_PENDING,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: backoffMs },
  })
  client.on('error', onError)
  return client
}

function backoffMs(retries: number): number {
  const ms = Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** retries)
  // Jitter: the processes must not all reconnect at the same moment.
  return ms / 2 + Math.random() * (ms / 2)
}
