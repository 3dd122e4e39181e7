// The HTTP client of the audit. It can send requests that no browser would.
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/**
 * @typedef {{ status: number, headers: Record<string, string>, cookies: string[], text: string,
 * json: any, ms: number }} Answer
 * @typedef {{ body?: unknown, headers?: Record<string, string>, forMs?: number }} Sending
 */

const DEADLINE_MS = 30_000
const MAX_CHARS = 1_000_000

/** The longest limit of PROTOCOL.md is 10 min; a longer Retry-After is an error. */
const PATIENCE_S = 900

/** One deployment. Waits for its rate limits. */
export class Wire {
  /** @param {string} base */
  constructor(base) {
    this.base = new URL(base)
    /** @type {(seconds: number, what: string) => void} */
    this.onWait = () => {}
  }

  /**
   * Sends one request. `body`: an object is sent as JSON, text as it is. `forMs`: reads a stream
   * for that long.
   * @param {string} method
   * @param {string} path
   * @param {Sending} [sending]
   * @returns {Promise<Answer>}
   */
  send(method, path, { body, headers = {}, forMs } = {}) {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const request = this.base.protocol === 'https:' ? requestHttps : requestHttp
    const { hostname, port } = this.base
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      const outgoing = request({
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        method,
        path,
        headers: {
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
          ...headers,
        },
        timeout: DEADLINE_MS,
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no response within ${DEADLINE_MS / 1000} s`)))
      outgoing.on('error', reject)
      outgoing.on('response', (response) => {
        let read = ''
        const end = () => {
          resolve(toAnswer(response.statusCode ?? 0, response.headers, read, performance.now() - startedAt))
          response.destroy()
        }
        if (forMs !== undefined) setTimeout(end, forMs)
        response.on('data', (chunk) => {
          if (read.length < MAX_CHARS) read += chunk
        })
        response.on('end', end)
        response.on('error', end)
      })
      outgoing.end(text)
    })
  }

  /**
   * The same, but after a 429 it waits for the Retry-After, and sends the request again.
   * @param {string} method
   * @param {string} path
   * @param {Sending} [sending]
   * @returns {Promise<Answer>}
   */
  async sendPatiently(method, path, sending) {
    for (;;) {
      const answer = await this.send(method, path, sending)
      if (answer.status !== 429) return answer
      await this.waitFor(retryAfterOf(answer), `${method} ${path.replace(/[\w-]{16,}/g, '…')}`)
    }
  }

  /**
   * @param {number} seconds
   * @param {string} what waits
   */
  async waitFor(seconds, what) {
    if (!(seconds <= PATIENCE_S)) throw new Error(`${what} would have to wait for ${seconds} s`)
    this.onWait(seconds, what)
    await pause(seconds * 1000 + 100)
  }
}

/** In seconds. @param {Answer} answer */
export function retryAfterOf(answer) {
  return Number(answer.headers['retry-after'] ?? 5)
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * @param {number} status
 * @param {import('node:http').IncomingHttpHeaders} raw
 * @param {string} text
 * @param {number} ms how long it took
 * @returns {Answer}
 */
function toAnswer(status, raw, text, ms) {
  /** @type {Record<string, string>} */
  const headers = {}
  for (const [name, value] of Object.entries(raw))
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '')
  let json = null
  try {
    json = JSON.parse(text)
  } catch {
    // Not every response is JSON.
  }
  return { status, headers, cookies: raw['set-cookie'] ?? [], text, json, ms }
}
