import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'

type Reply = string | number | null | Reply[] | { error: string }

/**
 * Upstash's REST protocol in front of a real redis-server: single commands, pipelines, transactions
 * and subscriptions, with a bearer token. https://upstash.com/docs/redis/features/restapi
 */
export class UpstashServer {
  readonly token = 'a token for tests'
  /** How many commands were received, which is what Upstash bills. */
  commands = 0
  readonly #server: Server
  readonly #redisPort: number
  readonly #streams = new Set<ServerResponse>()
  readonly #muted = new Set<ServerResponse>()

  private constructor(redisPort: number) {
    this.#redisPort = redisPort
    this.#server = createServer((request, response) => {
      this.#respond(request, response).catch(() => response.destroy())
    })
  }

  static async start(redisPort: number): Promise<UpstashServer> {
    const server = new UpstashServer(redisPort)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The current streams stay open but send nothing more, like half-open ones. New ones work. */
  muteStreams(): void {
    for (const stream of this.#streams) this.#muted.add(stream)
  }

  /** Ends every stream without an event, as the service does. */
  dropStreams(): void {
    for (const stream of this.#streams) stream.end()
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (request.headers.authorization !== `Bearer ${this.token}`) return void send(401, { error: 'Unauthorized' })
    const [, verb = '', ...rest] = (request.url ?? '/').split('/').map(decodeURIComponent)
    if (verb === 'psubscribe' || verb === 'subscribe') return this.#stream(verb, rest, response)
    let text = ''
    for await (const chunk of request) text += chunk
    const body = JSON.parse(text) as unknown[]
    const encoding = request.headers['upstash-encoding']
    const isBase64 = encoding === 'base64'
    const commands = (verb === '' ? [body] : body) as unknown[][]
    this.commands += commands.length
    const replies = await this.#execute(
      commands.map((command) => command.map(String)),
      verb === 'multi-exec',
    )
    const results = replies.map((reply) => {
      if (typeof reply === 'object' && reply !== null && 'error' in reply) return reply
      return { result: isBase64 ? encodeText(reply) : reply }
    })
    const [only] = results
    if (verb === '') send(only !== undefined && 'error' in only ? 400 : 200, only)
    else send(200, results)
  }

  #stream(verb: string, channels: string[], response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const connection = new Connection(this.#redisPort, (reply) => {
      if (Array.isArray(reply) && !this.#muted.has(response)) response.write(`data: ${reply.join(',')}\n\n`)
    })
    this.#streams.add(response)
    connection.write([[verb, ...channels]])
    connection.onEnd = () => response.destroy()
    response.on('close', () => {
      this.#streams.delete(response)
      connection.close()
    })
  }

  async #execute(commands: string[][], isAtomic: boolean): Promise<Reply[]> {
    const replies: Reply[] = []
    const all = isAtomic ? [['MULTI'], ...commands, ['EXEC']] : commands
    await new Promise<void>((resolve, reject) => {
      const connection = new Connection(this.#redisPort, (reply) => {
        replies.push(reply)
        if (replies.length < all.length) return
        connection.close()
        resolve()
      })
      connection.onEnd = () => reject(new Error('the redis-server has closed the connection'))
      connection.write(all)
    })
    return isAtomic ? (replies.at(-1) as Reply[]) : replies
  }
}

/** A minimal RESP2 connection to Redis. */
class Connection {
  readonly #socket: Socket
  #buffer = Buffer.alloc(0)
  onEnd: () => void = () => {}

  constructor(port: number, onReply: (reply: Reply) => void) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (bytes: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes])
      for (;;) {
        const parsed = parse(this.#buffer, 0)
        if (parsed === null) return
        this.#buffer = this.#buffer.subarray(parsed.end)
        onReply(parsed.reply)
      }
    })
    this.#socket.on('error', () => this.onEnd())
    this.#socket.on('close', () => this.onEnd())
  }

  write(commands: string[][]): void {
    for (const command of commands) {
      const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
      this.#socket.write(`*${command.length}\r\n${parts.join('')}`)
    }
  }

  close(): void {
    this.onEnd = () => {}
    this.#socket.destroy()
  }
}

/** The reply that begins at `at`; null if it is incomplete. */
function parse(buffer: Buffer, at: number): { reply: Reply; end: number } | null {
  const lineEnd = buffer.indexOf('\r\n', at)
  if (lineEnd < 0) return null
  const line = buffer.toString('utf8', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCharCode(buffer[at] ?? 0)) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: { error: line }, end }
    case ':':
      return { reply: Number(line), end }
    case '$': {
      const length = Number(line)
      if (length < 0) return { reply: null, end }
      if (buffer.length < end + length + 2) return null
      return { reply: buffer.toString('utf8', end, end + length), end: end + length + 2 }
    }
    default: {
      if (Number(line) < 0) return { reply: null, end }
      const replies: Reply[] = []
      let next = end
      for (let index = 0; index < Number(line); index += 1) {
        const item = parse(buffer, next)
        if (item === null) return null
        replies.push(item.reply)
        next = item.end
      }
      return { reply: replies, end: next }
    }
  }
}

function encodeText(reply: Reply): Reply {
  if (Array.isArray(reply)) return reply.map(encodeText)
  return typeof reply === 'string' && reply !== 'OK' ? Buffer.from(reply).toString('base64') : reply
}
