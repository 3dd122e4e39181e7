import { AppProxies, type ProxiedApp } from './app-proxies'
import { HeaderApp, type ReceivedRequest } from './header-app'
import { Nginx } from './nginx'
import { freePort, Server, until } from './server'
import { SiteClient } from './site-client'

interface Started {
  id: string
  ticket: string
  code: { url: string }
}

/** qr-login behind its own nginx, and one app behind four real proxies. */
export class AppDeployment {
  readonly server: Server
  readonly app: HeaderApp
  readonly apps: readonly ProxiedApp[]
  /** Our own origin. */
  readonly origin: string
  readonly #login: Nginx
  readonly #proxies: AppProxies

  private constructor(
    server: Server,
    app: HeaderApp,
    apps: readonly ProxiedApp[],
    origin: string,
    login: Nginx,
    proxies: AppProxies,
  ) {
    this.server = server
    this.app = app
    this.apps = apps
    this.origin = origin
    this.#login = login
    this.#proxies = proxies
  }

  static async start(files: readonly ProxiedApp['file'][]): Promise<AppDeployment> {
    const app = await HeaderApp.start()
    const names = ['wiki', 'files', 'notes', 'board']
    const hosts = await Promise.all(files.map(async (_, index) => `${names[index]}.localhost:${await freePort()}`))
    const apps = files.map((file, index) => ({ file, host: hosts[index] ?? '' }))
    const port = await freePort()
    const origin = `https://login.localhost:${port}`
    const server = new Server(await freePort(), {
      PUBLIC_ORIGIN: origin,
      TRUSTED_PROXIES: '127.0.0.1,127.0.0.2',
      FORWARD_AUTH_HOSTS: hosts.join(','),
      // Browser, phone and proxies have one address here.
      MATCH_POLICY: 'never',
    })
    await server.start()
    const login = Nginx.start({ port, instances: [server.port], more: 'proxy_bind 127.0.0.2;' })
    const proxies = AppProxies.start({ apps, appPort: app.port, loginPort: server.port })
    const client = new SiteClient()
    const statusOf = async (url: string) => (await client.send(url).catch(() => null))?.status
    await until(async () => (await statusOf(`${origin}/api/health/ready`)) === 200)
    for (const host of hosts) await until(async () => (await statusOf(`https://${host}/`)) === 302)
    return new AppDeployment(server, app, apps, origin, login, proxies)
  }

  originOf(file: string): string {
    return `https://${this.apps.find((each) => each.file === file)?.host}`
  }

  /** Returns what the proxies have printed. */
  async stop(): Promise<string> {
    await this.#proxies.stop()
    await this.#login.stop()
    await this.server.dispose()
    await this.app.stop()
    return this.#proxies.output + this.#login.output
  }

  /** A phone that is signed in with a demo account. */
  async newPhone(username: string): Promise<SiteClient> {
    const phone = new SiteClient()
    await phone.call('POST', `${this.origin}/api/phone/session`, { username, password: 'demo' })
    return phone
  }

  /** A browser that the phone has signed in at our origin, and that has opened every app. */
  async newBrowser(phone: SiteClient): Promise<SiteClient> {
    const client = new SiteClient()
    const attempt = await client.call<Started>('POST', `${this.origin}/api/qr`)
    const code = attempt.code.url.split('#')[1]
    const { claim } = await phone.call<{ claim: string }>('POST', `${this.origin}/api/qr/scan`, { code })
    await phone.call('POST', `${this.origin}/api/qr/confirm`, { claim })
    const { ticket } = await client.call<Started>('GET', `${this.origin}/api/qr/${attempt.id}`)
    await client.call('POST', `${this.origin}/api/qr/${attempt.id}/redeem`, { ticket })
    for (const { host } of this.apps) await client.open(`https://${host}/`)
    return client
  }

  /** What the app has got of the requests that `work` sends. */
  async receivedBy(work: () => Promise<unknown>): Promise<ReceivedRequest[]> {
    const before = this.app.received.length
    await work()
    return this.app.received.slice(before)
  }
}
