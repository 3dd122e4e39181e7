import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from './server'

const SECRET = 'a-secret-of-a-test-that-is-long-enough'

/** The sample app of the guide. Two of them are on two hosts, because cookies ignore the port. */
export class SampleApp {
  readonly url: string
  readonly client: Record<string, unknown>
  readonly #port: number
  #process: ChildProcess | null = null

  private constructor(host: string, port: number, client: { client_id: string }) {
    this.#port = port
    this.url = `http://${host}:${port}`
    this.client = {
      client_secret: SECRET,
      client_uri: `${this.url}/`,
      redirect_uris: [`${this.url}/callback`],
      post_logout_redirect_uris: [`${this.url}/`],
      ...client,
    }
  }

  static async create(host: 'localhost' | '127.0.0.1', client: { client_id: string; [field: string]: unknown }) {
    return new SampleApp(host, await freePort(), client)
  }

  async start(loginOrigin: string): Promise<void> {
    const env = {
      PATH: process.env.PATH,
      QR_LOGIN_ISSUER: `${loginOrigin}/oidc`,
      QR_LOGIN_CLIENT_ID: String(this.client.client_id),
      QR_LOGIN_CLIENT_SECRET: SECRET,
      APP_URL: this.url,
      PORT: String(this.#port),
    } as unknown as NodeJS.ProcessEnv
    this.#process = spawn(process.execPath, ['docs/guides/apps/sample-app.mjs'], { env, stdio: 'inherit' })
    await until(() =>
      fetch(`http://127.0.0.1:${this.#port}`).then(
        () => true,
        () => false,
      ),
    )
  }

  dispose(): void {
    this.#process?.kill('SIGKILL')
  }
}

/** A web server with TLS and a self-signed certificate, which has the logo of an app. */
export class LogoServer {
  readonly origin: string
  /** The headers of each request for a logo. */
  readonly requests: IncomingHttpHeaders[]
  readonly #server: Server

  private constructor(port: number, server: Server, requests: IncomingHttpHeaders[]) {
    this.requests = requests
    this.origin = `https://localhost:${port}`
    this.#server = server
  }

  /** `/logo.svg` is a picture, everything else is missing. */
  static async start(): Promise<LogoServer> {
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-logo-'))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    const names = ['-subj', '/CN=localhost', '-days', '2', '-nodes']
    spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', cert, ...names])
    const requests: IncomingHttpHeaders[] = []
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      requests.push(request.headers)
      if (request.url !== '/logo.svg') return response.writeHead(404).end()
      response.writeHead(200, { 'Content-Type': 'image/svg+xml' })
      return response.end('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8H0z"/></svg>')
    })
    rmSync(folder, { recursive: true })
    const port = await freePort()
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    return new LogoServer(port, server, requests)
  }

  dispose(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** A clients file for one test file. Returns its path and a function that removes it. */
export function writeClients(clients: readonly object[]): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-clients-'))
  const path = join(folder, 'clients.json')
  writeFileSync(path, JSON.stringify(clients))
  return { path, remove: () => rmSync(folder, { recursive: true }) }
}
