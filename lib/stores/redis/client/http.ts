import { Redis as Upstash } from '@upstash/redis'
import { Breaker } from './breaker'
import {
  closedFailure,
  isUnknownScript,
  type Listener,
  operationalKindOf,
  type Redis,
  RedisFailure,
  type Reply,
  type Script,
} from './redis'

/** Requests are aborted after this long, soon after the breaker's timeout. */
const REQUEST_TIMEOUT_MS = 600

/**
 * A lost message stream may raise no error. So this process publishes heartbeats to its own channel
 * and opens the stream again if none arrives.
 */
const HEARTBEAT = { intervalMs: 20_000, timeoutMs: 45_000 }
const HEARTBEAT_MESSAGE = '-'

const RESUBSCRIBE_MIN_MS = 200
const RESUBSCRIBE_MAX_MS = 2_000

export interface HttpRedisOptions {
  url: string
  token: string
  /** Monotonic, in ms. */
  now: () => number
  onError: (error: unknown) => void
  /**
   * How often a heartbeat is published, and after how long without any message the stream counts as
   * lost.
   */
  heartbeat?: { intervalMs: number; timeoutMs: number }
}

/** Redis over HTTP, by the API of Upstash: one request per command, and a message stream. */
export class HttpRedis implements Redis {
  readonly #options: HttpRedisOptions
  readonly #breaker: Breaker
  readonly #commands: Upstash
  #messages: MessageStream | null = null
  #isClosed = false

  constructor(options: HttpRedisOptions) {
    this.#options = options
    this.#breaker = new Breaker(options.now)
    this.#commands = open(options)
  }

  async run({ lua, sha }: Script, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    if (this.#isClosed) throw closedFailure()
    return await this.#breaker.run(async () => {
      try {
        return await request(this.#commands.evalsha<string[], Reply>(sha, [...keys], [...args]))
      } catch (error) {
        if (!(error instanceof Error) || !isUnknownScript(error.message)) throw error
        return await request(this.#commands.eval<string[], Reply>(lua, [...keys], [...args]))
      }
    })
  }

  subscribe(channel: string, listener: Listener): void {
    this.#messages = new MessageStream(channel, listener, this.#commands, this.#options)
  }

  async confirmDurable(): Promise<void> {}

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen
  }

  async ping(): Promise<void> {
    if (this.#isClosed) throw closedFailure()
    await this.#breaker.run(() => request(this.#commands.ping()))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#messages?.close()
  }
}

/**
 * The message stream. It is opened again when it ends or when heartbeats stop. Uses `fetch`,
 * because the library's subscriber reports neither the end of a stream nor a refusal.
 */
class MessageStream {
  readonly #channel: string
  readonly #listener: Listener
  readonly #commands: Upstash
  readonly #options: HttpRedisOptions
  readonly #heartbeat: { intervalMs: number; timeoutMs: number }
  readonly #heartbeatTimer: ReturnType<typeof setInterval>
  #stream: AbortController | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  #receivedAt = 0
  #failures = 0

  constructor(channel: string, listener: Listener, commands: Upstash, options: HttpRedisOptions) {
    this.#channel = channel
    this.#listener = listener
    this.#commands = commands
    this.#options = options
    this.#heartbeat = options.heartbeat ?? HEARTBEAT
    this.#heartbeatTimer = setInterval(() => this.#sendHeartbeat(), this.#heartbeat.intervalMs)
    this.#heartbeatTimer.unref()
    this.#open()
  }

  close(): void {
    clearInterval(this.#heartbeatTimer)
    clearTimeout(this.#retry)
    const stream = this.#stream
    this.#stream = null
    stream?.abort()
  }

  #open(): void {
    const stream = new AbortController()
    this.#stream = stream
    this.#receivedAt = this.#options.now()
    const end = (error?: unknown) => {
      if (this.#stream !== stream) return
      if (error !== undefined) this.#options.onError(error)
      this.#scheduleReopen()
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
    if (!response.ok || response.body === null)
      throw new RedisFailure(`the message stream was refused: ${response.status}`)
    const decoder = new TextDecoder()
    let text = ''
    for await (const bytes of response.body) {
      if (this.#stream !== stream) return
      text += decoder.decode(bytes, { stream: true })
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) this.#receive(line.slice('data: '.length))
    }
  }

  /** `data`: once `subscribe,{channel},{count}`, then `message,{channel},{message}`. */
  #receive(data: string): void {
    this.#receivedAt = this.#options.now()
    if (data.startsWith('subscribe,')) {
      this.#failures = 0
      this.#listener.onGap()
    } else if (data.startsWith(`message,${this.#channel},`)) {
      const message = data.slice(`message,${this.#channel},`.length)
      if (message !== HEARTBEAT_MESSAGE) this.#listener.onMessage(message)
    }
  }

  #scheduleReopen(): void {
    this.#stream?.abort()
    this.#stream = null
    this.#failures += 1
    const ms = Math.min(RESUBSCRIBE_MAX_MS, RESUBSCRIBE_MIN_MS * 2 ** this.#failures)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#open(), ms / 2 + Math.random() * (ms / 2))
    this.#retry.unref()
  }

  #sendHeartbeat(): void {
    if (this.#stream === null) return
    if (this.#options.now() - this.#receivedAt >= this.#heartbeat.timeoutMs) this.#scheduleReopen()
    // An error needs no handling: a heartbeat that was not published does not arrive.
    else this.#commands.publish(this.#channel, HEARTBEAT_MESSAGE).catch(() => {})
  }
}

function open({ url, token }: HttpRedisOptions): Upstash {
  return new Upstash({
    url,
    token,
    // Stored text is returned unchanged.
    automaticDeserialization: false,
    responseEncoding: false,
    enableTelemetry: false,
    enableAutoPipelining: false,
    // No retries here: only the caller knows whether a script may be repeated.
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
}

/**
 * Converts the library's errors, whose message contains the whole command with its data: only the
 * server's error text is passed on.
 */
async function request<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply
  } catch (error) {
    const [text = ''] = (error instanceof Error ? error.message : '').split(', command was:')
    const isReply = error instanceof Error && error.name === 'UpstashError'
    if (!isReply) throw new RedisFailure('the store did not reply', { kind: 'connection' })
    const kind = operationalKindOf(text)
    if (kind !== null) throw new RedisFailure('the store cannot execute this now', { kind })
    throw new Error(text)
  }
}
