// Sends the requests of clients to the service, and records each in the history, with or without a
// response.
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Chance } from '../../test/support/chance'
import type { Facts, History, Operation, Sent } from './history'

interface Instance {
  port: number
}

interface OutgoingRequest {
  method: string
  path: string
  headers: Record<string, string>
  body?: unknown
}

/** The fields of response bodies that clients read. See PROTOCOL.md. */
export interface ResponseBody {
  id?: string
  /** Of an attempt: its code, for phones. Of a problem document: its code. */
  code?: { url: string; expiresInMs: number } | string
  status?: string
  version?: number
  ticket?: string
  claim?: string
  match?: { number: string | null; required: boolean; attemptsLeft?: number }
  attemptsLeft?: number
  signedIn?: boolean
  session?: { id: string }
  sessions?: { id: string }[]
}

/** The data of an event. */
export interface EventData {
  by?: string
}

export interface Recorded {
  operation: Operation
  /** Null without a response, and for a body that is not JSON. */
  json: ResponseBody | null
  /** The `Set-Cookie` lines. */
  cookies: string[]
}

export interface EventStream {
  close: () => void
  isOpen: () => boolean
}

/** Longer than any response may take. */
const TIMEOUT_MS = 5_000

export class HttpRecorder {
  readonly history: History
  readonly #instances: readonly Instance[]
  readonly #chance: Chance
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

  constructor(history: History, instances: readonly Instance[], chance: Chance) {
    this.history = history
    this.#instances = instances
    this.#chance = chance
  }

  /** Sends a request to one of the instances, chosen at random. */
  send(sent: Omit<Sent, 'instance'>, { method, path, headers, body }: OutgoingRequest): Promise<Recorded> {
    const instance = this.#chance.below(this.#instances.length)
    const { port } = this.#require(instance)
    const text = body === undefined ? '' : JSON.stringify(body)
    const operation = this.history.open({ ...sent, instance }, performance.now())
    return new Promise((resolve) => {
      const outgoing = request({
        ...{ host: '127.0.0.1', port, method, path, agent: this.#agent },
        headers: { ...headersOf(port, text), ...headers },
      })
      const timeout = setTimeout(() => outgoing.destroy(new Error('timeout')), TIMEOUT_MS)
      const fail = (error: NodeJS.ErrnoException) => {
        clearTimeout(timeout)
        operation.failure = failureOf(error)
        operation.failedAt = performance.now()
        resolve({ operation, json: null, cookies: [] })
      }
      outgoing.on('error', fail)
      outgoing.on('response', (response) => {
        response.on('error', fail)
        readText(response, (read) => {
          clearTimeout(timeout)
          operation.answeredAt = performance.now()
          operation.status = response.statusCode ?? 0
          const delay = response.headers['retry-after']
          operation.retryAfterS = delay === undefined ? null : Number(delay)
          const json = parse<ResponseBody>(read)
          operation.code = typeof json?.code === 'string' ? json.code : null
          operation.facts = json === null ? {} : factsOf(json)
          if (operation.kind === 'start') operation.attempt = json?.id ?? null
          resolve({ operation, json, cookies: response.headers['set-cookie'] ?? [] })
        })
      })
      outgoing.end(text)
    })
  }

  /** Opens an event stream. Resolves when it is open, with null if it was refused. */
  stream(
    { path, headers }: Pick<OutgoingRequest, 'path' | 'headers'>,
    onEvent: (event: string, data: EventData) => void,
    instance = 0,
  ): Promise<EventStream | null> {
    const { port } = this.#require(instance)
    return new Promise((resolve) => {
      const outgoing = request({
        ...{ host: '127.0.0.1', port, path, agent: false },
        headers: { ...headersOf(port, ''), ...headers },
      })
      let isOpen = true
      const end = () => {
        isOpen = false
        resolve(null)
      }
      outgoing.on('error', end)
      outgoing.on('close', end)
      outgoing.on('response', (response) => {
        if (response.statusCode !== 200) {
          outgoing.destroy()
          return
        }
        let read = ''
        response.on('data', (chunk) => {
          const frames = (read + chunk).split('\n\n')
          read = frames.pop() ?? ''
          for (const frame of frames) {
            const event = /^event: (.*)$/m.exec(frame)?.[1]
            if (event !== undefined) onEvent(event, parse<EventData>(/^data: (.*)$/m.exec(frame)?.[1] ?? '') ?? {})
          }
        })
        response.on('error', end)
        response.on('end', end)
        resolve({ close: () => outgoing.destroy(), isOpen: () => isOpen })
      })
      outgoing.end()
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #require(instance: number): Instance {
    const found = this.#instances[instance]
    if (found === undefined) throw new Error(`there is no instance ${instance}`)
    return found
  }
}

function readText(response: IncomingMessage, onEnd: (text: string) => void): void {
  let read = ''
  response.on('data', (chunk) => {
    read += chunk
  })
  response.on('end', () => onEnd(read))
}

function headersOf(port: number, text: string): Record<string, string | number> {
  const json = text === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
  return { Host: `localhost:${port}`, ...json }
}

function failureOf({ code, message }: NodeJS.ErrnoException): NonNullable<Operation['failure']> {
  if (code === 'ECONNREFUSED') return 'refused'
  return message === 'timeout' ? 'timeout' : 'reset'
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}

/** What the state table defines. The history contains no secret. */
function factsOf(json: ResponseBody): Facts {
  const facts: Facts = {}
  if (typeof json.status === 'string') facts.status = json.status
  if (json.version !== undefined) facts.version = json.version
  if (json.match !== undefined) facts.required = json.match.required
  const attemptsLeft = json.attemptsLeft ?? json.match?.attemptsLeft
  if (attemptsLeft !== undefined) facts.attemptsLeft = attemptsLeft
  if (json.signedIn !== undefined) facts.signedIn = json.signedIn
  if (json.session?.id !== undefined) facts.session = json.session.id
  if (Array.isArray(json.sessions)) facts.sessions = json.sessions.map(({ id }) => id)
  return facts
}
