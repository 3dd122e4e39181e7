import { AppServer } from '../support/app-server'
import { until } from '../support/until'
import { openWithPhone, signedInPhone, UserAgent } from '../support/user-agent'
import { clientMetadata, findForm, isClient, type Landing, type PersonBrowser, type Target, toPage } from './target'

/** Our own provider. `env`: further settings, which name the store. */
export async function startOwn(name: string, logoutUri: string, env: Record<string, string>): Promise<Target> {
  const clients = clientMetadata(logoutUri).map((client) => ({ ...client, first_party: true }))
  const server = await AppServer.start({
    clients,
    env: { MAX_COMPUTERS: '1000', OUTBOUND_ALLOW: '127.0.0.0/8', ...env },
  })
  await until(async () => (await fetch(`${server.issuer}/jwks`)).ok)
  const phone = await signedInPhone(server.origin)
  return {
    name,
    issuer: server.issuer,
    newBrowser: () => new OwnBrowser(phone),
    stop: () => server.stop(),
  }
}

/** Signs in by the phone. */
class OwnBrowser implements PersonBrowser {
  readonly #agent = new UserAgent()
  readonly #phone: UserAgent

  constructor(phone: UserAgent) {
    this.#phone = phone
  }

  async authorize(url: string, form?: URLSearchParams): Promise<Landing> {
    const first = form === undefined ? url : await this.#post(url, form)
    const { url: last, response, signIn } = await openWithPhone(this.#agent, this.#phone, first, isClient)
    return { url: last, page: await toPage(response), wasAsked: signIn !== null }
  }

  async signOut(url: string): Promise<Landing> {
    const { url: last, response } = await this.#agent.open(url, isClient)
    const landing = { url: last, page: await toPage(response), wasAsked: false }
    const form = findForm(landing)
    if (form === null) return landing
    // A page's own form: the browser says so.
    const headers = { 'Sec-Fetch-Site': 'same-origin' }
    const answered = await this.#agent.open(form.action, isClient, { method: 'POST', body: form.fields, headers })
    return { url: answered.url, page: await toPage(answered.response), wasAsked: true }
  }

  /** The address that a form from the client's page is sent on to. */
  async #post(url: string, form: URLSearchParams): Promise<string> {
    const headers = { Accept: 'text/html', Origin: 'https://rp.example.com', 'Sec-Fetch-Site': 'cross-site' }
    const response = await this.#agent.fetch(url, { method: 'POST', body: form, headers })
    const location = response.headers.get('location')
    if (response.status !== 303 || location === null) throw new Error(`expected a 303: ${response.status}`)
    return new URL(location, url).href
  }
}
