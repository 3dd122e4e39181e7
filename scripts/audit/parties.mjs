// The parties of a sign-in, as in PROTOCOL.md: a computer's browser, and a phone with a cookie or a
// token.
import { createHash, createHmac, randomBytes } from 'node:crypto'

/**
 * @typedef {import('./wire.mjs').Answer} Answer
 * @typedef {import('./wire.mjs').Sending} Sending
 * @typedef {import('./wire.mjs').Wire} Wire
 * @typedef {{ username: string, password: string } | { token: string, signingSecret?: string }}
 * Credentials
 */

/** A browser: keeps its cookies, and sends the origin of its requests. */
export class Browser {
  /**
   * @param {Wire} wire
   * @param {string} origin the public origin: that of its pages
   */
  constructor(wire, origin) {
    this.wire = wire
    this.origin = origin
    /** @type {Map<string, string>} */
    this.cookies = new Map()
    /** Every `Set-Cookie` line that it received. @type {string[]} */
    this.lines = []
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Sending & { site?: string | null, cookie?: string, impatient?: boolean }} [sending]
   * @returns {Promise<Answer>}
   */
  async send(method, path, { site = 'same-origin', cookie = this.cookieHeader(), impatient = false, ...sending } = {}) {
    const headers = {
      'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      ...(site === null ? {} : { 'Sec-Fetch-Site': site }),
      ...(cookie === '' ? {} : { Cookie: cookie }),
      ...(method === 'GET' || method === 'HEAD' || site !== 'same-origin' ? {} : { Origin: this.origin }),
      ...sending.headers,
    }
    const answer = await (impatient
      ? this.wire.send(method, path, { ...sending, headers })
      : this.wire.sendPatiently(method, path, { ...sending, headers }))
    for (const line of answer.cookies) this.#keep(line)
    return answer
  }

  cookieHeader() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** @param {string} line */
  #keep(line) {
    this.lines.push(line)
    const [pair = '', ...attributes] = line.split(/;\s*/)
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    if (attributes.some((attribute) => /^max-age=0$/i.test(attribute))) this.cookies.delete(name)
    else this.cookies.set(name, pair.slice(at + 1))
  }
}

/** How often each person has scanned, with any phone. @type {WeakMap<Credentials, number>} */
const scans = new WeakMap()

/** Scans are limited by person. @param {Credentials} person */
export function scansOf(person) {
  return scans.get(person) ?? 0
}

/** A phone. With a username it is a browser with a cookie, with a token a native app. */
export class Phone {
  /**
   * @param {Wire} wire
   * @param {string} origin
   * @param {Credentials} credentials
   */
  constructor(wire, origin, credentials) {
    this.browser = new Browser(wire, origin)
    this.credentials = credentials
  }

  async signIn() {
    if ('token' in this.credentials) return
    const { username, password } = this.credentials
    const answer = await this.browser.send('POST', '/api/phone/session', { body: { username, password } })
    if (answer.status !== 200)
      throw new Error(`the phone of ${username} cannot sign in: ${answer.status} ${answer.text.slice(0, 200)}`)
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Sending & { site?: string | null, impatient?: boolean }} [sending]
   * @returns {Promise<Answer>}
   */
  async send(method, path, sending = {}) {
    if (path === '/api/qr/scan') scans.set(this.credentials, scansOf(this.credentials) + 1)
    if (!('token' in this.credentials)) return await this.browser.send(method, path, sending)
    const { token, signingSecret } = this.credentials
    const signature = signingSecret === undefined ? {} : sign(signingSecret, method, path, sending.body)
    const headers = { Authorization: `Bearer ${token}`, ...signature, ...sending.headers }
    return await this.browser.send(method, path, { site: null, cookie: '', ...sending, headers })
  }
}

/**
 * @param {string} secret
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 */
function sign(secret, method, path, body) {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = randomBytes(16).toString('hex')
  const signed = [method, path, timestamp, nonce, createHash('sha256').update(text).digest('hex')].join('\n')
  return {
    'X-Timestamp': timestamp,
    'X-Nonce': nonce,
    'X-Signature': createHmac('sha256', secret).update(signed).digest('hex'),
  }
}
