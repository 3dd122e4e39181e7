import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { parseConfig } from '../../lib/server/config'
import { createQrLogin, type QrLogin } from '../../lib/server/create-server'
import type { ProcessLog } from '../../lib/server/log'
import { freePort } from './free-port'

export interface AppServerOptions {
  clients: readonly object[]
  env?: Record<string, string>
  /** By default a free one. */
  port?: number
  /** Receives the lines of the log, at the level info. By default nothing is logged. */
  onLine?: (line: Record<string, unknown>) => void
}

function logTo(onLine: (line: Record<string, unknown>) => void): ProcessLog {
  const write = (line: string) => onLine(JSON.parse(line))
  return Object.assign(pino({ level: 'info', base: null }, { write }), {
    output: { write, droppedLines: 0, flush: async () => {} },
  })
}

/** Our own API on a real socket, with the apps of a clients file. Without pages. */
export class AppServer {
  readonly origin: string
  readonly qrLogin: QrLogin
  readonly clientsFile: string
  readonly #server: Server
  readonly #folder: string

  private constructor(port: number, qrLogin: QrLogin, folder: string) {
    this.origin = `http://127.0.0.1:${port}`
    this.qrLogin = qrLogin
    this.clientsFile = join(folder, 'clients.json')
    this.#folder = folder
    this.#server = createServer((message, response) => {
      if (qrLogin.nodeHandler(message, response)) return
      response.statusCode = 404
      response.end()
    })
  }

  static async start({ clients, env = {}, port, onLine }: AppServerOptions): Promise<AppServer> {
    const own = port ?? (await freePort())
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-app-server-'))
    writeFileSync(join(folder, 'clients.json'), JSON.stringify(clients))
    const settings = {
      NODE_ENV: 'production',
      PUBLIC_ORIGIN: `http://127.0.0.1:${own}`,
      SESSION_SECRET: 'a secret for tests that is long enough',
      DATA_DIR: folder,
      DEMO_ACCOUNTS: 'true',
      LOG_LEVEL: 'silent',
      CONFIRM_MIN_MS: '0',
      MATCH_POLICY: 'never',
      RATE_LIMIT_SCALE: '1000',
      CLIENTS_FILE: join(folder, 'clients.json'),
      REDIS_PREFIX: `test-${randomUUID()}:`,
      ...env,
    }
    const config = parseConfig(settings, { lanAddress: null, loadSecret: () => 'x'.repeat(43) })
    const server = new AppServer(
      own,
      createQrLogin({ config, activeMs: () => 0, ...(onLine === undefined ? {} : { log: logTo(onLine) }) }),
      folder,
    )
    await new Promise<void>((resolve) => server.#server.listen(own, '127.0.0.1', resolve))
    return server
  }

  get issuer(): string {
    return `${this.origin}/oidc`
  }

  /** Every byte of the embedded store. */
  readStore(): string {
    const files = readdirSync(this.#folder).filter((name) => name.startsWith('qr-login.db'))
    return files.map((name) => readFileSync(join(this.#folder, name), 'latin1')).join('\n')
  }

  async stop(): Promise<void> {
    this.qrLogin.drain()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.qrLogin.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
