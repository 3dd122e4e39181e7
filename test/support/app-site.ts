import { type App, Browser, ORIGIN } from './app'

/** The address of the proxy of the apps, which `TRUSTED_PROXIES` lists in tests. */
export const PROXY = '192.0.2.1'

export const WIKI = 'wiki.example.com'
export const FILES = 'files.example.com:8443'
export const FORWARD_AUTH_ENV = {
  FORWARD_AUTH_HOSTS: `${WIKI},${FILES}`,
  TRUSTED_PROXIES: '192.0.2.0/24',
  MATCH_POLICY: 'never',
}

interface SiteRequest {
  method?: string
  headers?: Record<string, string>
}

const NAVIGATION = { Accept: 'text/html,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'none' }

/** A browser at an app behind forward auth: what its proxy asks, and what it passes on to us. */
export class AppSite {
  readonly host: string
  /** The browser's cookies of this host. */
  readonly jar: Browser

  constructor(app: App, host: string) {
    this.host = host
    this.jar = new Browser(app)
    this.jar.address = PROXY
  }

  get origin(): string {
    return `https://${this.host}`
  }

  /** What the proxy asks about a request: by default one that a person opens. */
  async ask(uri: string, { method = 'GET', headers = NAVIGATION }: SiteRequest = {}, at = '/authz/request') {
    const original = { 'X-Forwarded-Method': method, 'X-Forwarded-Uri': uri, ...headers }
    return await this.jar.send('GET', at, { headers: { ...this.#forwarded(), ...original }, site: null })
  }

  /** A request below `/.qr-login/`. `address`: absolute, or a path. */
  async open(address: string, { method = 'GET', headers = NAVIGATION }: SiteRequest = {}): Promise<Response> {
    const { pathname, search } = new URL(address, this.origin)
    return await this.jar.send(method, pathname + search, { headers: { ...this.#forwarded(), ...headers }, site: null })
  }

  /** Our address that the browser is sent to from this host. */
  async start(uri: string): Promise<string> {
    const response = await this.open(`/.qr-login/start?return=${encodeURIComponent(uri)}`)
    return response.headers.get('location') ?? ''
  }

  /** Opens a page of the app on a computer that is signed in. Returns the address with the code. */
  async callbackOf(computer: Browser, uri = '/'): Promise<string> {
    return locationOf(await openOurs(computer, await this.start(uri)))
  }

  /** The same, and gives the browser its session at this host. */
  async enter(computer: Browser): Promise<void> {
    await this.open(await this.callbackOf(computer))
    const { status } = await this.ask('/')
    if (status !== 200) throw new Error(`${this.host}: ${status}`)
  }

  #forwarded(): Record<string, string> {
    return { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Host': this.host, 'X-Forwarded-Proto': 'https' }
  }
}

export function locationOf(response: Response): string {
  return response.headers.get('location') ?? ''
}

/** A page that another site sends the browser to, at our own origin. Throws for another origin. */
export async function openOurs(browser: Browser, address: string): Promise<Response> {
  const { origin, pathname, search } = new URL(address, ORIGIN)
  if (origin !== ORIGIN) throw new Error(`not our origin: ${address}`)
  return await browser.send('GET', pathname + search, { site: 'cross-site', headers: { Accept: 'text/html' } })
}
