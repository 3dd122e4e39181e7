// The way from a client to the service: each request goes into the history, answered or not.
import { Agent, request } from 'node:http'

/**
 * @typedef {import('./history.mjs').History} History
 * @typedef {import('./history.mjs').Operation} Operation
 * @typedef {import('./history.mjs').Facts} Facts
 * @typedef {{ port: number }} Instance
 * @typedef {Pick<Operation, 'client' | 'kind' | 'attempt' | 'asked'>} What
 * @typedef {{ method: string, path: string, headers: Record<string, string>, body?: unknown }}
 * Sending
 * @typedef {{ operation: Operation, json: any, cookies: string[] }} Answer
 */

/** A client gives up then. Longer than any answer may take. */
const PATIENCE_MS = 5_000

export class Wire {
  #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

  /**
   * @param {History} history
   * @param {Instance[]} instances
   * @param {import('./chance.mjs').Chance} chance
   */
  constructor(history, instances, chance) {
    this.history = history
    this.instances = instances
    this.chance = chance
  }

  /**
   * To any of the instances.
   * @param {What} what
   * @param {Sending} sending
   * @returns {Promise<Answer>}
   */
  send(what, { method, path, headers, body }) {
    const instance = this.chance.below(this.instances.length)
    const { port } = /** @type {Instance} */ (this.instances[instance])
    const text = body === undefined ? '' : JSON.stringify(body)
    const operation = this.history.open({ ...what, instance }, performance.now())
    return new Promise((resolve) => {
      const sent = request({
        ...{ host: '127.0.0.1', port, method, path, agent: this.#agent },
        headers: { ...headersOf(port, text), ...headers },
      })
      const patience = setTimeout(() => sent.destroy(new Error('timeout')), PATIENCE_MS)
      /** @param {Error & { code?: string }} error */
      const fail = (error) => {
        clearTimeout(patience)
        operation.failure = failureOf(error)
        operation.failedAt = performance.now()
        resolve({ operation, json: null, cookies: [] })
      }
      sent.on('error', fail)
      sent.on('response', (response) => {
        let read = ''
        response.on('data', (chunk) => {
          read += chunk
        })
        response.on('error', fail)
        response.on('end', () => {
          clearTimeout(patience)
          operation.answeredAt = performance.now()
          operation.status = response.statusCode ?? 0
          const wait = response.headers['retry-after']
          operation.retryAfterS = wait === undefined ? null : Number(wait)
          const json = parse(read)
          // Of a problem document; that of an attempt is for phones.
          operation.code = typeof json?.code === 'string' ? json.code : null
          operation.facts = factsOf(json)
          if (operation.kind === 'start') operation.attempt = json?.id ?? null
          resolve({ operation, json, cookies: response.headers['set-cookie'] ?? [] })
        })
      })
      sent.end(text)
    })
  }

  /**
   * Opens a stream of events; resolves when it is open, with null where it was refused.
   * @param {Sending} sending
   * @param {(event: string, data: any) => void} onEvent
   * @param {number} instance
   * @returns {Promise<{ close: () => void, isOpen: () => boolean } | null>}
   */
  stream({ path, headers }, onEvent, instance = 0) {
    const { port } = /** @type {Instance} */ (this.instances[instance])
    return new Promise((resolve) => {
      const sent = request({
        host: '127.0.0.1',
        port,
        path,
        agent: false,
        headers: { ...headersOf(port, ''), ...headers },
      })
      let isOpen = true
      const end = () => {
        isOpen = false
        resolve(null)
      }
      sent.on('error', end)
      sent.on('close', end)
      sent.on('response', (response) => {
        if (response.statusCode !== 200) {
          sent.destroy()
          return
        }
        let read = ''
        response.on('data', (chunk) => {
          const frames = (read + chunk).split('\n\n')
          read = frames.pop() ?? ''
          for (const frame of frames) {
            const event = /^event: (.*)$/m.exec(frame)?.[1]
            if (event !== undefined) onEvent(event, parse(/^data: (.*)$/m.exec(frame)?.[1] ?? ''))
          }
        })
        response.on('error', end)
        response.on('end', end)
        resolve({ close: () => sent.destroy(), isOpen: () => isOpen })
      })
      sent.end()
    })
  }

  close() {
    this.#agent.destroy()
  }
}

/** @param {number} port @param {string} text @returns {Record<string, string | number>} */
function headersOf(port, text) {
  const json = text === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
  return { Host: `localhost:${port}`, ...json }
}

/** @param {Error & { code?: string }} error @returns {NonNullable<Operation['failure']>} */
function failureOf({ code, message }) {
  if (code === 'ECONNREFUSED') return 'refused'
  return message === 'timeout' ? 'timeout' : 'reset'
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * What the state table speaks of. No secret gets into the history.
 * @param {any} json
 * @returns {Facts}
 */
function factsOf(json) {
  /** @type {Facts} */
  const facts = {}
  if (json === null) return facts
  if (typeof json.status === 'string') facts.status = json.status
  if (json.version !== undefined) facts.version = json.version
  if (json.match !== undefined) facts.required = json.match.required
  const attemptsLeft = json.attemptsLeft ?? json.match?.attemptsLeft
  if (attemptsLeft !== undefined) facts.attemptsLeft = attemptsLeft
  if (json.signedIn !== undefined) facts.signedIn = json.signedIn
  if (json.session?.id !== undefined) facts.session = json.session.id
  if (Array.isArray(json.sessions)) facts.sessions = json.sessions.map((/** @type {any} */ { id }) => id)
  return facts
}
