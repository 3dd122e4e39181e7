import { createClient, ErrorReply } from '@redis/client'
import { operationalKindOf, RedisFailure, type Reply } from './redis'

const CONNECT_MS = 2_000
const RECONNECT_LEAST_MS = 50
const RECONNECT_MOST_MS = 1_000

/**
 * How long a call waits for a connection that is just being opened. Shorter than the deadline of a
 * call.
 */
const READY_MS = 400

/** What waits for a reply at most: beyond it the server is as good as gone. */
const MOST_WAITING = 10_000

export interface ConnectionOptions {
  /** `redis://` or `rediss://`. */
  url: string
  /** Monotonic, in ms. */
  now: () => number
  /** Receives the errors of lost connections. */
  onError: (error: unknown) => void
}

/**
 * One connection to a Redis, which opens by itself, again and again. Replies come in order: one
 * that is late means that all behind it are late, and that nothing has come since the last.
 */
export class Connection {
  readonly #client: ReturnType<typeof open>
  readonly #now: () => number
  #waiting = 0
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
    // Emitted when it is lost, and at each further try.
    this.#client.on('reconnecting', () => {
      if (this.#wasReady) this.#lostAt = this.#now()
      this.#wasReady = false
    })
    this.#client.connect().catch(options.onError)
  }

  get isReady(): boolean {
    return this.#client.isReady
  }

  /** How often it was opened: another number is another connection, and maybe another server. */
  get opened(): number {
    return this.#opened
  }

  /** For how long no reply has come while something waits for one, in ms. 0: nothing waits. */
  get silentMs(): number {
    return this.#waiting === 0 ? 0 : this.#now() - this.#repliedAt
  }

  /**
   * Waits a little for a connection that is being opened, and not at all for one that has been away
   * for longer.
   * @throws RedisFailure when there is none, it is lost, or the server cannot do its part; any
   * other error reply as it is.
   */
  async send(command: string[]): Promise<Reply> {
    if (!this.isReady) await this.#untilReady()
    if (this.#waiting === 0) this.#repliedAt = this.#now()
    this.#waiting += 1
    try {
      return await this.#client.sendCommand<Reply>(command)
    } catch (error) {
      throw toFailure(error)
    } finally {
      this.#waiting -= 1
      this.#repliedAt = this.#now()
    }
  }

  /**
   * Listens to one channel from now on. `onReady` is called each time that it does, also after an
   * interruption.
   */
  subscribe(channel: string, onMessage: (message: string) => void, onReady: () => void): void {
    let isSubscribed = false
    const subscribe = () => {
      // The first time it has to be said; after each interruption the library says it again before
      // it is ready.
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
    const ms = this.#lostAt + READY_MS - this.#now()
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
  return kind === null ? error : new RedisFailure('the store cannot do this now', { kind, cause: error })
}

function open({ url, onError }: ConnectionOptions) {
  const client = createClient({
    url,
    RESP: 2,
    // A command that waits for a connection would be sent when its answer is not waited for any
    // more.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MOST_WAITING,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: backoffMs },
  })
  client.on('error', onError)
  return client
}

function backoffMs(retries: number): number {
  const ms = Math.min(RECONNECT_MOST_MS, RECONNECT_LEAST_MS * 2 ** retries)
  // Not all servers of a cluster at the same moment.
  return ms / 2 + Math.random() * (ms / 2)
}
