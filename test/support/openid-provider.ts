import { type ChildProcess, spawn } from 'node:child_process'
import { freePort } from './free-port'

export interface OpenIdClient {
  clientId: string
  /** '' for a public client. */
  clientSecret: string
  redirectUri: string
  signedOutUri: string
  /** Puts the profile claims into the ID token too, and not only at userinfo. */
  claimsInIdToken?: boolean
}

/**
 * A real OpenID provider with one client, in a process of its own. Any login name is an account.
 */
export class OpenIdProvider {
  readonly port: number
  readonly #client: OpenIdClient
  #process: ChildProcess | null = null

  private constructor(port: number, client: OpenIdClient) {
    this.port = port
    this.#client = client
  }

  static async start(client: OpenIdClient): Promise<OpenIdProvider> {
    const provider = new OpenIdProvider(await freePort(), client)
    await provider.start()
    return provider
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Starts it, or starts it again on the same port; it has forgotten every sign-in. */
  async start(): Promise<void> {
    const { clientId, clientSecret, redirectUri, signedOutUri, claimsInIdToken = false } = this.#client
    const child = spawn(process.execPath, ['test/support/openid-provider-process.mjs'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        PORT: String(this.port),
        CLIENT_ID: clientId,
        CLIENT_SECRET: clientSecret,
        REDIRECT_URI: redirectUri,
        SIGNED_OUT_URI: signedOutUri,
        CLAIMS_IN_ID_TOKEN: String(claimsInIdToken),
      },
    })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the provider exited with ${code}`)))
      child.stdout?.on('data', (text: Buffer) => {
        if (text.includes('listening at')) resolve()
      })
    })
  }

  /** The token endpoint fails from now on; called again, it is back. */
  toggleTokens(): void {
    this.#process?.kill('SIGUSR2')
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
    this.#process = null
  }

  /**
   * Signs a person in as a browser would: follows the redirects, fills in the forms. Returns the
   * URL that the browser is sent back to. `person`: null presses "Cancel".
   */
  async signIn(url: string, person: string | null): Promise<URL> {
    const cookies = new Map<string, string>()
    let next = new URL(url)
    let form: URLSearchParams | null = null
    for (;;) {
      if (next.origin !== this.issuer) return next
      const response = await fetch(next, {
        method: form === null ? 'GET' : 'POST',
        redirect: 'manual',
        headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form === null ? {} : { body: form }),
      })
      for (const line of response.headers.getSetCookie()) keep(cookies, line)
      const location = response.headers.get('location')
      const page = await response.text()
      form = null
      if (location !== null) next = new URL(location, next)
      else if (person === null) next = new URL(attribute(page, /href="([^"]*\/abort)"/), next)
      else {
        form = new URLSearchParams({
          prompt: attribute(page, /name="prompt" value="(\w+)"/),
          login: person,
          password: 'x',
        })
        next = new URL(attribute(page, /action="([^"]+)"/), next)
      }
    }
  }
}

function attribute(page: string, pattern: RegExp): string {
  const found = pattern.exec(page)?.[1]
  if (found === undefined) throw new Error(`the provider's page has no ${pattern}: ${page.slice(0, 500)}`)
  return found
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';')
  const [name = '', value = ''] = pair.split('=')
  if (value === '') cookies.delete(name)
  else cookies.set(name, value)
}
