import { Redis as Upstash } from '@upstash/redis'
import { Breaker } from './breaker'
import {
  isUnknownScript,
  type Listener,
  operationalKindOf,
  type Redis,
  RedisFailure,
  type Reply,
  type Script,
} from './redis'

/** Requests end here, so that none outlives the breaker's deadline for long. */
const REQUEST_MS = 600

/**
 * A stream of messages dies unnoticed: a message of our own has to come through it, or it counts as
 * dead.
 */
const RHYTHM = { heartbeatMs: 20_000, silenceMs: 45_000 }
const RESUBSCRIBE_LEAST_MS = 200
const RESUBSCRIBE_MOST_MS = 2_000

const HEARTBEAT = '-'

export interface HttpRedisOptions {
  url: string
  token: string
  /** Monotonic, in ms. */
  now: () => number
  onError: (error: unknown) => void
  /**
   * How often a message of our own goes round, and after how long a silence the stream counts as
   * dead.
   */
  rhythm?: { heartbeatMs: number; silenceMs: number }
}

/**
 * Redis over HTTP, as Upstash serves it: a request for each command, and a stream for the messages.
 */
export class HttpRedis implements Redis {
  readonly #options: HttpRedisOptions
  readonly #breaker: Breaker
  readonly #commands: Upstash
  #messages: Messages | null = null

  constructor(options: HttpRedisOptions) {
    this.#options = options
    this.#breaker = new Breaker(options.now)
    this.#commands = open(options)
  }

  async run({ lua, sha }: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    return await this.#breaker.run(async () => {
      try {
        return await ask(this.#commands.evalsha<string[], Reply>(sha, [...keys], [...args]))
      } catch (error) {
        if (!(error instanceof Error) || !isUnknownScript(error.message)) throw error
        return await ask(this.#commands.eval<string[], Reply>(lua, [...keys], [...args]))
      }
    })
  }

  listen(channel: string, listener: Listener): void {
    this.#messages = new Messages(channel, listener, this.#commands, this.#options)
  }

  async confirmDurable(): Promise<void> {}

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen
  }

  async ping(): Promise<void> {
    await this.#breaker.run(() => ask(this.#commands.ping()))
  }

  async close(): Promise<void> {
    this.#messages?.close()
  }
}

/**
 * The stream of messages, opened again whenever it ends or falls silent. Read by `fetch` itself:
 * the library's subscriber says neither that a stream has ended nor that it was refused.
 */
class Messages {
  readonly #channel: string
  readonly #listener: Listener
  readonly #commands: Upstash
  readonly #options: HttpRedisOptions
  readonly #rhythm: { heartbeatMs: number; silenceMs: number }
  readonly #heartbeat: ReturnType<typeof setInterval>
  #stream: AbortController | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  #heardAt = 0
  #failures = 0

  constructor(channel: string, listener: Listener, commands: Upstash, options: HttpRedisOptions) {
    this.#channel = channel
    this.#listener = listener
    this.#commands = commands
    this.#options = options
    this.#rhythm = options.rhythm ?? RHYTHM
    this.#heartbeat = setInterval(() => this.#beat(), this.#rhythm.heartbeatMs)
    this.#heartbeat.unref()
    this.#open()
  }

  close(): void {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#retry)
    const stream = this.#stream
    this.#stream = null
    stream?.abort()
  }

  #open(): void {
    const stream = new AbortController()
    this.#stream = stream
    this.#heardAt = this.#options.now()
    const end = (error?: unknown) => {
      if (this.#stream !== stream) return
      if (error !== undefined) this.#options.onError(error)
      this.#openAgain()
    }
    this.#read(stream).then(() => end(), end)
  }

  async #read(stream: AbortController): Promise<void> {
    const { url, token } = this.#options
    const response = await fetch(`${url}/subscribe/${encodeURIComponent(this.#channel)}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
      signal: stream.signal,
    })
    if (!response.ok || response.body === null) throw new RedisFailure(`the messages were refused: ${response.status}`)
    const decoder = new TextDecoder()
    let text = ''
    for await (const bytes of response.body) {
      if (this.#stream !== stream) return
      text += decoder.decode(bytes, { stream: true })
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) this.#hear(line.slice('data: '.length))
    }
  }

  /** `subscribe,{channel},{count}` once, then `message,{channel},{message}`. */
  #hear(data: string): void {
    this.#heardAt = this.#options.now()
    if (data.startsWith('subscribe,')) {
      this.#failures = 0
      this.#listener.onGap()
    } else if (data.startsWith(`message,${this.#channel},`)) {
      const message = data.slice(`message,${this.#channel},`.length)
      if (message !== HEARTBEAT) this.#listener.onMessage(message)
    }
  }

  #openAgain(): void {
    this.#stream?.abort()
    this.#stream = null
    this.#failures += 1
    const ms = Math.min(RESUBSCRIBE_MOST_MS, RESUBSCRIBE_LEAST_MS * 2 ** this.#failures)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#open(), ms / 2 + Math.random() * (ms / 2))
    this.#retry.unref()
  }

  #beat(): void {
    if (this.#stream === null) return
    if (this.#options.now() - this.#heardAt >= this.#rhythm.silenceMs) this.#openAgain()
    // What a failure of this was to find out is found out by the silence.
    else this.#commands.publish(this.#channel, HEARTBEAT).catch(() => {})
  }
}

function open({ url, token }: HttpRedisOptions): Upstash {
  return new Upstash({
    url,
    token,
    // What is stored is text, and comes back as it is.
    automaticDeserialization: false,
    responseEncoding: false,
    enableTelemetry: false,
    enableAutoPipelining: false,
    // A script is not sent twice here: callers repeat it, who know what a repeat does.
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(REQUEST_MS),
  })
}

/**
 * The library's errors hold the whole command, with all that is in it: what goes on is the server's
 * own word.
 */
async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const [said = ''] = (error instanceof Error ? error.message : '').split(', command was:')
    const isReply = error instanceof Error && error.name === 'UpstashError'
    if (!isReply) throw new RedisFailure('the store did not answer', { kind: 'connection' })
    const kind = operationalKindOf(said)
    if (kind !== null) throw new RedisFailure('the store cannot do this now', { kind })
    throw new Error(said)
  }
}
