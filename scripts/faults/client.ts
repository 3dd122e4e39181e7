// A computer that signs in and the phone that approves it, as clients without a screen.
import { createHmac } from 'node:crypto'
import type { Kind, Known } from './history'
import type { EventData, EventStream, HttpRecorder, Recorded, ResponseBody } from './http-recorder'

const BEARER_SECRET = 'a secret of the phones that is long enough for a campaign'

/** Each client has its own address: one client cannot use up another's limits. */
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

interface SendOptions {
  body?: unknown
  known?: Known
}

/** Of the range for benchmarks (RFC 2544). */
export function addressOf(number: number, half: 18 | 19): string {
  return `198.${half}.${(number >> 8) & 255}.${number & 255}`
}

export class Computer {
  readonly name: string
  readonly address: string
  readonly #http: HttpRecorder
  readonly #codePeriodMs: number
  readonly #cookies = new Map<string, string>()
  /** The current code, and when it expires. */
  #code: { code: string } & Known = { code: '' }
  attempt: string | null = null
  ticket: string | null = null
  session: string | null = null

  constructor(http: HttpRecorder, name: string, address: string, codePeriodMs: number) {
    this.#http = http
    this.name = name
    this.address = address
    this.#codePeriodMs = codePeriodMs
  }

  /** What a phone reads from the screen. */
  get code(): { code: string } & Known {
    return this.#code
  }

  async start(): Promise<Recorded> {
    const recorded = await this.#send('start', 'POST', '/api/qr', { body: {} })
    const { operation, json } = recorded
    if (operation.status === 201 && json !== null) {
      this.attempt = json.id ?? null
      this.#read(recorded, json)
    }
    return recorded
  }

  async show(): Promise<Recorded> {
    const recorded = await this.#send('show', 'GET', `/api/qr/${this.attempt}`)
    const { operation, json } = recorded
    if (operation.status === 200 && json !== null) this.#read(recorded, json)
    return recorded
  }

  match(number: string, right: boolean): Promise<Recorded> {
    return this.#send('match', 'POST', `/api/qr/${this.attempt}/match`, { body: { number }, known: { right } })
  }

  async redeem(): Promise<Recorded> {
    const recorded = await this.#send('redeem', 'POST', `/api/qr/${this.attempt}/redeem`, {
      body: { ticket: this.ticket },
    })
    const { operation, json } = recorded
    if (operation.status === 200) this.session = json?.session?.id ?? null
    return recorded
  }

  leave(): Promise<Recorded> {
    return this.#send('leave', 'DELETE', `/api/qr/${this.attempt}`)
  }

  readSession(): Promise<Recorded> {
    return this.#send('session', 'GET', '/api/session')
  }

  /** Keeps its cookie, as an attacker who copied it would. */
  signOut(): Promise<Recorded> {
    return this.#send('signOut', 'DELETE', '/api/session')
  }

  follow(
    what: 'attempt' | 'account',
    onEvent: (event: string, data: EventData) => void,
    instance: number,
  ): Promise<EventStream | null> {
    const path = what === 'attempt' ? `/api/qr/${this.attempt}/events` : '/api/account/events'
    return this.#http.stream({ path, headers: this.#headers() }, onEvent, instance)
  }

  #read({ operation }: Recorded, { ticket, code }: ResponseBody): void {
    this.ticket = ticket ?? this.ticket
    if (code === undefined || typeof code === 'string' || operation.answeredAt === null) return
    const leftMs = code.expiresInMs + this.#codePeriodMs
    this.#code = {
      code: code.url.split('#')[1] ?? '',
      codeReadAt: operation.sentAt,
      codeGoneFrom: operation.sentAt + leftMs,
      codeGoneBy: operation.answeredAt + leftMs,
    }
  }

  #headers(): Record<string, string> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return {
      'Sec-Fetch-Site': 'same-origin',
      'X-Forwarded-For': this.address,
      ...(cookie === '' ? {} : { Cookie: cookie }),
    }
  }

  async #send(kind: Kind, method: string, path: string, { body, known = {} }: SendOptions = {}): Promise<Recorded> {
    const sent = { client: this.name, kind, attempt: this.attempt, known }
    const recorded = await this.#http.send(sent, { method, path, headers: this.#headers(), body })
    for (const line of recorded.cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value !== '') this.#cookies.set(name, value)
    }
    return recorded
  }
}

/** A native app with a bearer token: each phone is another person's. */
export class Phone {
  readonly name: string
  readonly address: string
  readonly #http: HttpRecorder
  readonly #headers: Record<string, string>
  #claim = ''
  /** Null where none is required. */
  number: string | null = null

  constructor(http: HttpRecorder, name: string, address: string) {
    this.#http = http
    this.name = name
    this.address = address
    this.#headers = { Authorization: `Bearer ${tokenOf(name)}`, 'X-Forwarded-For': address }
  }

  async scan(computer: Computer): Promise<Recorded> {
    const { code, ...life } = computer.code
    const known = { ...life, matchDue: computer.address !== this.address }
    const recorded = await this.#send('scan', 'POST', '/api/qr/scan', computer, { body: { code }, known })
    const { operation, json } = recorded
    if (operation.status === 200) {
      this.#claim = json?.claim ?? ''
      this.number = json?.match?.number ?? null
    }
    return recorded
  }

  confirm(computer: Computer): Promise<Recorded> {
    return this.#send('confirm', 'POST', '/api/qr/confirm', computer, { body: { claim: this.#claim } })
  }

  cancel(computer: Computer): Promise<Recorded> {
    return this.#send('cancel', 'POST', '/api/qr/cancel', computer, { body: { claim: this.#claim } })
  }

  list(computer: Computer): Promise<Recorded> {
    return this.#send('list', 'GET', '/api/sessions', computer)
  }

  signOut(computer: Computer): Promise<Recorded> {
    return this.#send('signOutFromPhone', 'DELETE', `/api/sessions/${computer.session}`, computer)
  }

  signOutAll(computer: Computer): Promise<Recorded> {
    return this.#send('signOutAll', 'DELETE', '/api/sessions', computer)
  }

  #send(
    kind: Kind,
    method: string,
    path: string,
    { attempt }: Computer,
    { body, known = {} }: SendOptions = {},
  ): Promise<Recorded> {
    return this.#http.send({ client: this.name, kind, attempt, known }, { method, path, headers: this.#headers, body })
  }
}

/** RFC 7519, HS256. */
function tokenOf(sub: string): string {
  const exp = Math.floor(Date.now() / 1_000) + TOKEN_DAYS * DAY_S
  const claims = { sub, name: sub, iss: 'faults', aud: 'faults', exp }
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${createHmac('sha256', BEARER_SECRET).update(signed).digest('base64url')}`
}
