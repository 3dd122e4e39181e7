import type { AttemptView, Review } from '../../lib/core/attempt/views'

interface SendOptions {
  body?: unknown
  headers?: Record<string, string>
}

/**
 * A browser without pages: keeps cookies by host, and follows redirects as long as it is told to.
 */
export class UserAgent {
  /** By host, then by name. */
  readonly cookies = new Map<string, Map<string, string>>()
  readonly language: string

  constructor(language = 'en') {
    this.language = language
  }

  /** One request. Redirects are not followed. */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { host } = new URL(url)
    const cookie = [...(this.cookies.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = new Headers(init.headers)
    if (cookie !== '') headers.set('Cookie', cookie)
    headers.set('Accept-Language', this.language)
    headers.set('User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')
    const response = await this.send(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#store(host, line)
    return response
  }

  /**
   * Opens an address, and follows its redirects until there is none or `isEnd` is true for the next
   * address. Returns the last address, and the response if it was requested.
   */
  async open(
    url: string,
    isEnd: (url: string) => boolean = () => false,
    init: RequestInit = {},
  ): Promise<{ url: string; response: Response | null }> {
    let at = url
    let next = init
    for (let hops = 0; hops < 20; hops += 1) {
      if (isEnd(at)) return { url: at, response: null }
      const headers = { Accept: 'text/html,*/*;q=0.8', ...(next.headers as Record<string, string>) }
      const response = await this.fetch(at, { ...next, headers })
      const location = response.headers.get('location')
      if (location === null) return { url: at, response }
      await response.body?.cancel()
      at = new URL(location, at).href
      next = {}
    }
    throw new Error(`too many redirects: ${at}`)
  }

  /** A request of our own page, with JSON. Throws for a refusal. */
  async call<T>(method: string, url: string, { body, headers = {} }: SendOptions = {}): Promise<T> {
    const response = await this.fetch(url, {
      method,
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** How a request reaches the server. */
  protected send(url: string, init: RequestInit): Promise<Response> {
    return fetch(url, init)
  }

  #store(host: string, line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = ''] = pair.split('=', 1)
    const value = pair.slice(name.length + 1)
    const jar = this.cookies.get(host) ?? new Map<string, string>()
    this.cookies.set(host, jar)
    if (attributes.some((each) => /^max-age=0$/i.test(each) || /^expires=thu, 01 jan 1970/i.test(each)))
      jar.delete(name)
    else jar.set(name, value)
  }
}

/** A phone that is signed in with a demo account. */
export async function signedInPhone(origin: string, username = 'ada'): Promise<UserAgent> {
  const phone = new UserAgent()
  await phone.call('POST', `${origin}/api/phone/session`, { body: { username, password: 'demo' } })
  return phone
}

export interface PhoneSignIn {
  review: Review
  /** The path that the computer goes on to; undefined: our own home page. */
  next?: string
  session: { id: string }
}

/** The whole way: the computer shows a code, the phone confirms. `interaction`: of the app. */
export async function signInWithPhone(
  origin: string,
  computer: UserAgent,
  phone: UserAgent,
  interaction?: string,
): Promise<PhoneSignIn> {
  const body = interaction === undefined ? {} : { interaction }
  const attempt = await computer.call<AttemptView>('POST', `${origin}/api/qr`, { body })
  const code = attempt.code?.url.split('#')[1]
  const review = await phone.call<Review>('POST', `${origin}/api/qr/scan`, { body: { code } })
  await phone.call('POST', `${origin}/api/qr/confirm`, { body: { claim: review.claim } })
  const { ticket } = await computer.call<AttemptView>('GET', `${origin}/api/qr/${attempt.id}`)
  const redeemed = await computer.call<{ next?: string; session: { id: string } }>(
    'POST',
    `${origin}/api/qr/${attempt.id}/redeem`,
    { body: { ticket } },
  )
  return { ...redeemed, review }
}

/**
 * Opens an address of an app. Where it leads to our page for signing in, the phone does that, and
 * the browser goes on. Returns where it ends: at `isEnd`, or at a page.
 */
export async function openWithPhone(
  computer: UserAgent,
  phone: UserAgent,
  url: string,
  isEnd: (url: string) => boolean = () => false,
): Promise<{ url: string; response: Response | null; signIn: PhoneSignIn | null }> {
  const isLogin = (at: string) => new URL(at).pathname === '/login' && new URL(at).searchParams.has('interaction')
  const opened = await computer.open(url, (at) => isLogin(at) || isEnd(at))
  if (!isLogin(opened.url)) return { ...opened, signIn: null }
  const { origin, searchParams } = new URL(opened.url)
  const signIn = await signInWithPhone(origin, computer, phone, searchParams.get('interaction') ?? '')
  const ended = await computer.open(new URL(signIn.next ?? '/', origin).href, isEnd)
  return { ...ended, signIn }
}
