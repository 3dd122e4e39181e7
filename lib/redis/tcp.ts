import { createClient, ErrorReply } from '@redis/client'
import { Breaker } from './breaker'
import {
  isOperational,
  isUnknownScript,
  type Listener,
  type Redis,
  RedisFailure,
  type Reply,
  type Script,
} from './redis'

const CONNECT_MS = 2_000
const RECONNECT_LEAST_MS = 50
const RECONNECT_MOST_MS = 1_000

const REPLACE_EVERY_MS = 1_000

const RHYTHM = { everyMs: 10_000, withinMs: 2_000 }

/** What waits for an answer at most: beyond it the server is as good as gone. */
const MOST_WAITING = 10_000

export interface TcpRedisOptions {
  /** `redis://` or `rediss://`. */
  url: string
  now: () => number
  /** Hears of lost connections. */
  onError: (error: unknown) => void
  /** How often the connection for messages is tried, and how long its answer may take. */
  rhythm?: { everyMs: number; withinMs: number }
}

type Client = ReturnType<typeof open>

/** Redis over TCP or TLS: one connection for commands and one for messages, each of which comes back by itself, also when it died in silence. */
export class TcpRedis implements Redis {
  readonly #options: TcpRedisOptions
  readonly #breaker: Breaker
  readonly #rhythm: { everyMs: number; withinMs: number }
  #commands: Client
  #subscriber: Client | null = null
  #subscribe: (() => Client) | null = null
  #replacedAt: number
  #check: ReturnType<typeof setInterval> | undefined

  constructor(options: TcpRedisOptions) {
    this.#options = options
    this.#rhythm = options.rhythm ?? RHYTHM
    this.#breaker = new Breaker(options.now, () => this.#replace())
    this.#commands = open(options)
    this.#replacedAt = options.now()
  }

  async run({ lua, sha }: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args]
    return await this.#breaker.run(async () => {
      try {
        return await this.#ask(['EVALSHA', sha, ...rest])
      } catch (error) {
        if (!(error instanceof ErrorReply) || !isUnknownScript(error.message)) throw error
        return await this.#ask(['EVAL', lua, ...rest])
      }
    })
  }

  listen(channel: string, { onMessage, onGap }: Listener): void {
    this.#subscribe = () => {
      const subscriber = open(this.#options)
      // The first time it has to be said; after each interruption the library says it again before it is ready.
      let isSubscribed = false
      subscriber.on('ready', () => {
        if (isSubscribed) return onGap()
        subscriber.subscribe(channel, onMessage).then(() => {
          isSubscribed = true
          onGap()
        }, this.#options.onError)
      })
      return subscriber
    }
    this.#subscriber = this.#subscribe()
    this.#check = setInterval(() => void this.#checkSubscriber(), this.#rhythm.everyMs)
    this.#check.unref()
  }

  async ping(): Promise<void> {
    await this.#breaker.run(() => this.#ask(['PING']))
  }

  async close(): Promise<void> {
    clearInterval(this.#check)
    for (const client of [this.#commands, this.#subscriber]) client?.destroy()
  }

  async #ask(command: string[]): Promise<Reply> {
    try {
      return await this.#commands.sendCommand<Reply>(command)
    } catch (error) {
      if (!(error instanceof ErrorReply)) {
        // It may have met a server that took it and says nothing: then nobody else ends the wait for its first word.
        if (!this.#commands.isReady) this.#replace()
        throw new RedisFailure('the connection to the store failed', { cause: error })
      }
      if (!isOperational(error.message)) throw error
      // After a failover the old primary goes on answering, read-only: the name may lead to the new one by now.
      if (error.message.startsWith('READONLY')) this.#replace()
      throw new RedisFailure('the store cannot do this now', { cause: error })
    }
  }

  /** New connections for both, at most once a second: a server that is gone without a word leaves connections that never end. */
  #replace(): void {
    const now = this.#options.now()
    if (now - this.#replacedAt < REPLACE_EVERY_MS) return
    this.#replacedAt = now
    this.#commands.destroy()
    this.#commands = open(this.#options)
    this.#replaceSubscriber()
  }

  #replaceSubscriber(): void {
    if (this.#subscribe === null) return
    this.#subscriber?.destroy()
    this.#subscriber = this.#subscribe()
  }

  /** Whoever only listens does not notice that nobody speaks any more. */
  async #checkSubscriber(): Promise<void> {
    const subscriber = this.#subscriber
    if (subscriber === null) return
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, this.#rhythm.withinMs, false).unref())
    const isAlive = subscriber.isReady
      ? await Promise.race([subscriber.ping().then(yes, yes), late])
      : await late.then(() => subscriber.isReady)
    if (!isAlive && subscriber === this.#subscriber) this.#replaceSubscriber()
  }
}

/** Any answer will do, and a refusal is one. */
const yes = () => true

function open({ url, onError }: TcpRedisOptions) {
  const client = createClient({
    url,
    RESP: 2,
    // A command that waits for a connection would be sent when nobody waits for its answer any more.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MOST_WAITING,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: backoffMs },
  })
  client.on('error', onError)
  client.connect().catch(onError)
  return client
}

function backoffMs(retries: number): number {
  const ms = Math.min(RECONNECT_MOST_MS, RECONNECT_LEAST_MS * 2 ** retries)
  // Not all servers of a cluster at the same moment.
  return ms / 2 + Math.random() * (ms / 2)
}
