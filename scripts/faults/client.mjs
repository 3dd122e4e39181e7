// A computer that wants to sign in and a phone that lets it, as clients without a screen.
import { createHmac } from 'node:crypto'

/**
 * @typedef {import('./wire.mjs').Wire} Wire
 * @typedef {import('./wire.mjs').Answer} Answer
 * @typedef {import('./history.mjs').Kind} Kind
 * @typedef {import('./history.mjs').Asked} Asked
 */

const BEARER_SECRET = 'a secret of the phones that is long enough for a campaign'

/** Each client has an address of its own: limits are never in the way of another one. */
export const CLIENT_SETTINGS = {
  PHONE_JWT_SECRET: BEARER_SECRET,
  PHONE_JWT_ISSUER: 'faults',
  PHONE_JWT_AUDIENCE: 'faults',
  TRUSTED_PROXIES: '127.0.0.0/8',
  MATCH_POLICY: 'risk',
}

/** Longer than the steps of the clocks. */
const TOKEN_DAYS = 30
const DAY_S = 86_400

/** Of the range for benchmarks (RFC 2544). @param {number} number @param {18 | 19} half */
export function addressOf(number, half) {
  return `198.${half}.${(number >> 8) & 255}.${number & 255}`
}

export class Computer {
  /** @type {Map<string, string>} */
  #cookies = new Map()
  /** Of the running code, and when it dies. @type {{ code: string } & Asked} */
  #code = { code: '' }
  /** @type {string | null} */
  attempt = null
  /** @type {string | null} */
  ticket = null
  /** @type {string | null} */
  session = null

  /**
   * @param {Wire} wire
   * @param {string} name
   * @param {string} address
   * @param {number} codePeriodMs
   */
  constructor(wire, name, address, codePeriodMs) {
    this.wire = wire
    this.name = name
    this.address = address
    this.codePeriodMs = codePeriodMs
  }

  /** What a phone reads off the screen. */
  get code() {
    return this.#code
  }

  async start() {
    const answer = await this.#send('start', 'POST', '/api/qr', { body: {} })
    if (answer.operation.status === 201) {
      this.attempt = answer.json.id
      this.#read(answer)
    }
    return answer
  }

  async show() {
    const answer = await this.#send('show', 'GET', `/api/qr/${this.attempt}`)
    if (answer.operation.status === 200) this.#read(answer)
    return answer
  }

  /** @param {string} number @param {boolean} right */
  match(number, right) {
    return this.#send('match', 'POST', `/api/qr/${this.attempt}/match`, { body: { number }, asked: { right } })
  }

  async redeem() {
    const answer = await this.#send('redeem', 'POST', `/api/qr/${this.attempt}/redeem`, {
      body: { ticket: this.ticket },
    })
    if (answer.operation.status === 200) this.session = answer.json.session.id
    return answer
  }

  leave() {
    return this.#send('leave', 'DELETE', `/api/qr/${this.attempt}`)
  }

  readSession() {
    return this.#send('session', 'GET', '/api/session')
  }

  /** Keeps its cookie, as a thief of it would. */
  signOut() {
    return this.#send('signOut', 'DELETE', '/api/session')
  }

  /**
   * @param {'attempt' | 'account'} what
   * @param {(event: string, data: any) => void} onEvent
   * @param {number} instance
   */
  follow(what, onEvent, instance) {
    const path = what === 'attempt' ? `/api/qr/${this.attempt}/events` : '/api/account/events'
    return this.wire.stream({ method: 'GET', path, headers: this.#headers() }, onEvent, instance)
  }

  /** @param {Answer} answer */
  #read({ operation, json }) {
    this.ticket = json.ticket ?? this.ticket
    if (json.code === undefined || operation.answeredAt === null) return
    const leftMs = json.code.expiresInMs + this.codePeriodMs
    this.#code = {
      code: json.code.url.split('#')[1],
      codeReadAt: operation.sentAt,
      codeGoneFrom: operation.sentAt + leftMs,
      codeGoneBy: operation.answeredAt + leftMs,
    }
  }

  #headers() {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return {
      'Sec-Fetch-Site': 'same-origin',
      'X-Forwarded-For': this.address,
      ...(cookie === '' ? {} : { Cookie: cookie }),
    }
  }

  /**
   * @param {Kind} kind
   * @param {string} method
   * @param {string} path
   * @param {{ body?: unknown, asked?: Asked }} [more]
   */
  async #send(kind, method, path, { body, asked = {} } = {}) {
    const what = { client: this.name, kind, attempt: this.attempt, asked }
    const answer = await this.wire.send(what, { method, path, headers: this.#headers(), body })
    for (const line of answer.cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value !== '') this.#cookies.set(name, value)
    }
    return answer
  }
}

/** A native app: its person comes from a bearer token, and is nobody else's. */
export class Phone {
  #headers

  /** @param {Wire} wire @param {string} name @param {string} address */
  constructor(wire, name, address) {
    this.wire = wire
    this.name = name
    this.address = address
    this.claim = ''
    /** @type {string | null} */
    this.number = null
    this.#headers = { Authorization: `Bearer ${tokenOf(name)}`, 'X-Forwarded-For': address }
  }

  /** @param {Computer} computer */
  async scan(computer) {
    const { code, ...life } = computer.code
    const asked = { ...life, matchDue: computer.address !== this.address }
    const answer = await this.#send('scan', 'POST', '/api/qr/scan', computer.attempt, { body: { code }, asked })
    if (answer.operation.status === 200) {
      this.claim = answer.json.claim
      this.number = answer.json.match.number
    }
    return answer
  }

  /** @param {Computer} computer */
  confirm({ attempt }) {
    return this.#send('confirm', 'POST', '/api/qr/confirm', attempt, { body: { claim: this.claim } })
  }

  /** @param {Computer} computer */
  cancel({ attempt }) {
    return this.#send('cancel', 'POST', '/api/qr/cancel', attempt, { body: { claim: this.claim } })
  }

  /** @param {Computer} computer */
  list({ attempt }) {
    return this.#send('list', 'GET', '/api/sessions', attempt)
  }

  /** @param {Computer} computer */
  signOut({ attempt, session }) {
    return this.#send('signOutFromPhone', 'DELETE', `/api/sessions/${session}`, attempt)
  }

  /** @param {Computer} computer */
  signOutAll({ attempt }) {
    return this.#send('signOutAll', 'DELETE', '/api/sessions', attempt)
  }

  /**
   * @param {Kind} kind
   * @param {string} method
   * @param {string} path
   * @param {string | null} attempt
   * @param {{ body?: unknown, asked?: Asked }} [more]
   */
  #send(kind, method, path, attempt, { body, asked = {} } = {}) {
    return this.wire.send({ client: this.name, kind, attempt, asked }, { method, path, headers: this.#headers, body })
  }
}

/** RFC 7519, HS256. @param {string} sub */
function tokenOf(sub) {
  const exp = Math.floor(Date.now() / 1_000) + TOKEN_DAYS * DAY_S
  const claims = { sub, name: sub, iss: 'faults', aud: 'faults', exp }
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${createHmac('sha256', BEARER_SECRET).update(signed).digest('base64url')}`
}
