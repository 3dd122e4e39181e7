import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Mistakes that real deployments have made. Each server below makes one of them on purpose, for the audit to find. */
export type Mistake =
  | 'result readable by id'
  | 'reusable code'
  | 'confirm by anyone'
  | 'predictable id'
  | 'client-chosen id'
  | 'token not checked'
  | 'data leaked'

interface Attempt {
  id: string
  version: number
  status: 'pending' | 'scanned' | 'confirmed' | 'redeemed' | 'cancelled'
  browser: string
  address: string
  codes: { code: string; at: number }[]
  scan: { phone: string; person: string; claim: string } | null
  ticket: string
  session: string
}

interface Answer {
  status: number
  body?: unknown
  cookie?: string
}

const PERIOD_MS = 400
const random = () => randomBytes(24).toString('base64url')
const refuse = (status: number, code: string): Answer => ({ status, body: { status, code } })

/** A small server that speaks the routes of a sign-in, careful but for the one mistake it is told to make. It has no pages. */
export class CarelessServer {
  readonly #mistake: Mistake | null
  readonly #server: Server
  readonly #attempts = new Map<string, Attempt>()
  /** Cookie value to person. */
  readonly #phones = new Map<string, string>()
  readonly #sessions = new Map<string, string>()
  #count = 0

  private constructor(mistake: Mistake | null) {
    this.#mistake = mistake
    this.#server = createServer((request, response) => {
      this.#read(request).then(
        ({ status, body, cookie }) => {
          const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
          const line = cookie === undefined ? {} : { 'Set-Cookie': `${cookie}; HttpOnly; SameSite=Lax; Path=/` }
          response.writeHead(status, { ...headers, ...line }).end(body === undefined ? '' : JSON.stringify(body))
        },
        () => response.writeHead(400).end(),
      )
    })
  }

  static async start(mistake: Mistake | null): Promise<CarelessServer> {
    const careless = new CarelessServer(mistake)
    await new Promise<void>((resolve) => careless.#server.listen(0, '127.0.0.1', resolve))
    return careless
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #read(request: IncomingMessage): Promise<Answer> {
    let text = ''
    for await (const chunk of request) text += chunk
    const isSafe = request.method === 'GET'
    if (!isSafe && request.headers['sec-fetch-site'] !== 'same-origin') return refuse(403, 'cross_site')
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, string>)
    const { pathname } = new URL(request.url ?? '/', this.origin)
    const [, , group = '', second = '', third = ''] = pathname.split('/')
    const cookies = new Map(
      (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=') as [string, string]),
    )
    const address = request.socket.remoteAddress ?? ''
    const key = `${request.method} ${group}/${group === 'qr' && !['', 'scan', 'confirm', 'cancel'].includes(second) ? `:id${third && `/${third}`}` : second}`
    switch (key) {
      case 'POST phone/session':
        return this.#signInPhone(body)
      case 'POST qr/':
        return this.#start(body, cookies.get('browser'), address)
      case 'POST qr/scan':
        return this.#scan(body, cookies, request.headers.authorization)
      case 'POST qr/confirm':
      case 'POST qr/cancel':
        return this.#decide(second, body, cookies)
      case 'GET qr/:id':
        return this.#show(second, cookies.get('browser'))
      case 'POST qr/:id/redeem':
        return this.#redeem(second, body, cookies.get('browser'))
      case 'GET session/':
        return this.#who(cookies.get('session'))
      case 'GET sessions/':
        return this.#list(cookies, request.headers.authorization)
      default:
        return refuse(404, 'not_found')
    }
  }

  #signInPhone({ username = '' }: Record<string, string>): Answer {
    const phone = random()
    this.#phones.set(phone, username)
    return { status: 200, body: { person: { id: username, name: username } }, cookie: `phone=${phone}` }
  }

  #start(body: Record<string, string>, known: string | undefined, address: string): Answer {
    this.#count += 1
    const chosen = this.#mistake === 'client-chosen id' ? body.id : undefined
    const counted = `attempt-${String(1_000_000_000 + this.#count)}`
    const id = chosen ?? (this.#mistake === 'predictable id' ? counted : randomBytes(12).toString('base64url'))
    const isOurs = [...this.#attempts.values()].some(({ browser }) => browser === known)
    const browser = isOurs && known !== undefined ? known : random()
    const made = { codes: [], scan: null, ticket: random(), session: random() }
    const attempt: Attempt = { id, version: 1, status: 'pending', browser, address, ...made }
    this.#attempts.set(id, attempt)
    return { status: 201, body: this.#view(attempt), ...(isOurs ? {} : { cookie: `browser=${browser}` }) }
  }

  #scan({ code = '' }: Record<string, string>, cookies: Map<string, string>, authorization?: string): Answer {
    const phone = cookies.get('phone') ?? ''
    const person = this.#personOf(cookies, authorization)
    if (person === null) return refuse(401, 'unauthenticated')
    const attempt = [...this.#attempts.values()].find(({ codes }) => codes.some((each) => each.code === code))
    if (attempt === undefined) return refuse(404, 'code_unknown')
    const isReusable = this.#mistake === 'reusable code'
    const isSame = attempt.scan?.phone === phone && attempt.status === 'scanned'
    if (!isReusable && !isSame) {
      const at = attempt.codes.find((each) => each.code === code)?.at ?? 0
      if (attempt.status !== 'pending') return refuse(attempt.status === 'cancelled' ? 410 : 409, 'attempt_taken')
      if (Date.now() - at >= PERIOD_MS) return refuse(410, 'code_expired')
    }
    if (!isSame) {
      attempt.scan = { phone, person, claim: random() }
      attempt.status = 'scanned'
      attempt.version += 1
    }
    return { status: 200, body: this.#review(attempt) }
  }

  #decide(step: string, { claim }: Record<string, string>, cookies: Map<string, string>): Answer {
    const attempt = [...this.#attempts.values()].find(({ scan }) => scan !== null && scan.claim === claim)
    const isAnyone = this.#mistake === 'confirm by anyone'
    if (!isAnyone && !this.#phones.has(cookies.get('phone') ?? '')) return refuse(401, 'unauthenticated')
    if (attempt === undefined) return refuse(404, 'claim_unknown')
    if (!isAnyone && attempt.scan?.phone !== cookies.get('phone')) return refuse(404, 'claim_unknown')
    if (attempt.status === 'cancelled' && step === 'confirm') return refuse(410, 'attempt_ended')
    if (attempt.status === 'redeemed' && step === 'cancel') return refuse(409, 'wrong_state')
    attempt.status = step === 'confirm' && attempt.status === 'scanned' ? 'confirmed' : attempt.status
    if (step === 'cancel') attempt.status = 'cancelled'
    attempt.version += 1
    return { status: 200, body: this.#review(attempt) }
  }

  #show(id: string, browser: string | undefined): Answer {
    const attempt = this.#attempts.get(id)
    const isOwn = attempt?.browser === browser || this.#mistake === 'result readable by id'
    return attempt === undefined || !isOwn ? refuse(404, 'not_found') : { status: 200, body: this.#view(attempt) }
  }

  #redeem(id: string, { ticket }: Record<string, string>, browser: string | undefined): Answer {
    const attempt = this.#attempts.get(id)
    if (attempt === undefined || attempt.browser !== browser) return refuse(404, 'not_found')
    if (attempt.status === 'cancelled') return refuse(410, 'attempt_ended')
    if (attempt.status !== 'confirmed' && attempt.status !== 'redeemed') return refuse(409, 'wrong_state')
    if (ticket !== attempt.ticket && this.#mistake !== 'token not checked') return refuse(403, 'ticket_wrong')
    attempt.status = 'redeemed'
    const person = attempt.scan?.person ?? ''
    this.#sessions.set(attempt.session, person)
    const session = { id: hash(attempt.session) }
    return { status: 200, body: { person: { id: person }, session }, cookie: `session=${attempt.session}` }
  }

  #who(session: string | undefined): Answer {
    const person = this.#sessions.get(session ?? '')
    return {
      status: 200,
      body: person === undefined ? { signedIn: false } : { signedIn: true, person: { id: person } },
    }
  }

  #list(cookies: Map<string, string>, authorization?: string): Answer {
    if (this.#personOf(cookies, authorization) === null) return refuse(401, 'unauthenticated')
    return { status: 200, body: { sessions: [] } }
  }

  #personOf(cookies: Map<string, string>, authorization?: string): string | null {
    if (authorization !== undefined && this.#mistake === 'token not checked') {
      const claims = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()
      return claims.startsWith('{') ? (JSON.parse(claims) as { sub: string }).sub : null
    }
    return this.#phones.get(cookies.get('phone') ?? '') ?? null
  }

  #view(attempt: Attempt) {
    const { id, version, status, scan, ticket } = attempt
    const code =
      status === 'pending' ? { url: `${this.origin}/q#${this.#codeOf(attempt)}`, expiresInMs: PERIOD_MS } : undefined
    const leaked = this.#mistake === 'data leaked' ? { id: scan?.person, phoneNumber: '+1 555 0100' } : {}
    const person = scan === null ? undefined : { name: scan.person, avatarUrl: null, ...leaked }
    return {
      id,
      version,
      status,
      expiresInMs: 60_000,
      code,
      person,
      ticket: status === 'confirmed' ? ticket : undefined,
    }
  }

  #codeOf(attempt: Attempt): string {
    const isReusable = this.#mistake === 'reusable code' && attempt.codes.length > 0
    const last = attempt.codes.at(-1)
    if (last !== undefined && (isReusable || Date.now() - last.at < PERIOD_MS / 2)) return last.code
    const code = randomBytes(24).toString('base64url')
    attempt.codes.push({ code, at: Date.now() })
    return code
  }

  #review({ status, scan, address }: Attempt) {
    const leaked = this.#mistake === 'data leaked' ? { address } : {}
    const computer = { browser: 'Firefox', os: 'Linux', requestedAgoMs: 0, sameNetwork: true, known: false, ...leaked }
    return { claim: scan?.claim, status, expiresInMs: 60_000, computer, match: { required: false, number: null } }
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
