import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, CarelessSignIn, type Mistake, type Party, refuse } from './careless-sign-in'

export type { Mistake }

/**
 * A short window keeps the tests fast. The limits are wide enough for the other checks of the
 * audit.
 */
const WINDOW_MS = 2_000
const REFUSALS = 250
const WRONG_PASSWORDS = 20

/** A small server with the routes of a sign-in and one planted mistake. */
export class CarelessServer {
  readonly #mistake: Mistake | null
  readonly #server: Server
  readonly #signIn: CarelessSignIn
  readonly #refusals: Window
  readonly #wrongPasswords = new Window(WRONG_PASSWORDS)

  private constructor(mistake: Mistake | null, refusals: number) {
    this.#mistake = mistake
    this.#refusals = new Window(refusals)
    this.#signIn = new CarelessSignIn(mistake, () => this.origin)
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status, body, page, cookie, retryAfterS }) => {
          response.writeHead(status, {
            'Content-Type': page === undefined ? 'application/json' : 'text/html',
            'Cache-Control': 'no-store',
            ...(cookie === undefined ? {} : { 'Set-Cookie': `${cookie}; HttpOnly; SameSite=Lax; Path=/` }),
            ...(retryAfterS === undefined ? {} : { 'Retry-After': String(retryAfterS) }),
          })
          response.end(page ?? (body === undefined ? '' : JSON.stringify(body)))
        },
        () => response.writeHead(400).end(),
      )
    })
  }

  /** `refusals`: the limit of one window. */
  static async start(mistake: Mistake | null, { refusals = REFUSALS } = {}): Promise<CarelessServer> {
    const careless = new CarelessServer(mistake, refusals)
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

  /** Applies the rate limits: to passwords before the check, to refusals after it. */
  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = new URL(request.url ?? '/', this.origin).pathname
    const isPassword = request.method === 'POST' && path === '/api/phone/session'
    if (isPassword && this.#wrongPasswords.isFull && this.#mistake !== 'password spraying') return rateLimited()
    if (this.#mistake === 'refusal limit blocks every request' && this.#refusals.isFull) return rateLimited()
    const answer = await this.#route(request, path)
    if (isPassword && answer.status === 401) this.#wrongPasswords.count()
    const isRefusal = path.startsWith('/api/qr') && [403, 404, 409, 410].includes(answer.status)
    if (!isRefusal || this.#mistake === 'refusals without limit') return answer
    if (this.#refusals.isFull) return rateLimited()
    this.#refusals.count()
    return answer
  }

  async #route(request: IncomingMessage, path: string): Promise<Answer> {
    let text = ''
    for await (const chunk of request) text += chunk
    const isSafe = request.method === 'GET'
    if (!isSafe && request.headers['sec-fetch-site'] !== 'same-origin') return refuse(403, 'cross_site')
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, string>)
    const party = this.#partyOf(request)
    const signIn = this.#signIn
    const [, , group = '', second = '', third = ''] = path.split('/')
    const isId = (group === 'qr' && !['', 'hold', 'scan', 'confirm', 'cancel'].includes(second)) || group === 'phones'
    switch (`${request.method} ${group}/${isId && second !== '' ? `:id${third && `/${third}`}` : second}`) {
      case 'GET /':
        return path === '/q' ? this.#page(request, party) : refuse(404, 'not_found')
      case 'GET phone/session':
        return signIn.showPhone(party)
      case 'POST phone/session':
        return signIn.signInPhone(body)
      case 'DELETE phone/session':
        return signIn.signOutPhone(party)
      case 'GET phones/':
        return signIn.listPhones(party)
      case 'DELETE phones/:id':
        return signIn.endPhone(second, party)
      case 'POST qr/':
        return signIn.start(body, party)
      case 'POST qr/hold':
        return signIn.hold(body)
      case 'POST qr/scan':
        return signIn.scan(body, party)
      case 'POST qr/confirm':
        return signIn.confirm(body, party)
      case 'POST qr/cancel':
        return signIn.cancel(body, party)
      case 'GET qr/:id':
        return signIn.show(second, party)
      case 'POST qr/:id/redeem':
        return signIn.redeem(second, body, party)
      case 'DELETE qr/:id':
        return signIn.leave(second, party)
      case 'GET session/':
        return signIn.showComputer(party)
      case 'GET sessions/':
        return signIn.listComputers(party)
      default:
        return refuse(404, 'not_found')
    }
  }

  #partyOf({ headers, socket }: IncomingMessage): Party {
    const pairs = (headers.cookie ?? '').split('; ').map((pair) => pair.split(/=(.*)/s) as [string, string])
    const isLonger = this.#mistake === 'longer seal accepted'
    const cookies = new Map(pairs.map(([name, value]) => [name, isLonger ? value?.replace(/~2.*/s, '~2') : value]))
    const forwarded = this.#mistake === 'network from a client header' ? headers['x-forwarded-for'] : undefined
    const city = this.#mistake === 'place from a client header' ? headers['x-vercel-ip-city'] : undefined
    return {
      browser: cookies.get('browser'),
      session: cookies.get('session'),
      phone: cookies.get('phone'),
      authorization: headers.authorization,
      address: String(forwarded ?? socket.remoteAddress),
      place: city === undefined ? null : String(city),
    }
  }

  /** The page /q. `checking` scans without a tap, which only a trusted initiator allows. */
  #page({ headers }: IncomingMessage, party: Party): Answer {
    const isOwn = ['none', 'same-origin'].includes(String(headers['sec-fetch-site']))
    const isPrerender = headers['sec-purpose']?.includes('prerender') === true
    const scansAnyway =
      this.#mistake === 'page scans for any site' || (this.#mistake === 'page scans while prerendered' && isOwn)
    const state = scansAnyway || (isOwn && !isPrerender) ? 'checking' : 'opened'
    const shown = this.#signIn.personOf(party) === null ? 'needs_sign_in' : state
    return {
      status: 200,
      page: `<!doctype html><main data-state="${shown}" class="review" data-testid="review"></main>`,
    }
  }
}

/** A fixed window that begins with its first count. */
class Window {
  readonly #limit: number
  #startedAt = 0
  #count = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return Date.now() - this.#startedAt < WINDOW_MS && this.#count >= this.#limit
  }

  count(): void {
    if (Date.now() - this.#startedAt >= WINDOW_MS) {
      this.#startedAt = Date.now()
      this.#count = 0
    }
    this.#count += 1
  }
}

function rateLimited(): Answer {
  return { ...refuse(429, 'rate_limited'), retryAfterS: WINDOW_MS / 1_000 }
}
