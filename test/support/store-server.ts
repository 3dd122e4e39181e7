import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Store } from '../../lib/core/store'
import { parseConfig } from '../../lib/server/config'
import { createQrLogin, type QrLogin } from '../../lib/server/create-server'
import { SqliteStore } from '../../lib/stores/sqlite/store'
import { freePort } from './free-port'

const folderForTest = () => mkdtempSync(join(tmpdir(), 'qr-login-store-server-'))

interface Options {
  store: Store
  clients: object[]
  now?: () => number
  env?: Record<string, string>
}

export interface StoreServer {
  origin: string
  issuer: string
  qrLogin: QrLogin
  /** Does not close the store. */
  stop: () => Promise<void>
}

/** A server with apps on a store that the test has opened, and that other servers may use too. */
export async function startOnStore({ store, clients, now, env = {} }: Options): Promise<StoreServer> {
  const port = await freePort()
  const folder = folderForTest()
  const file = join(folder, 'clients.json')
  writeFileSync(file, JSON.stringify(clients))
  const origin = `http://127.0.0.1:${port}`
  const settings = {
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRET: 'a secret for tests that is long enough',
    DATA_DIR: folder,
    DEMO_ACCOUNTS: 'true',
    LOG_LEVEL: 'silent',
    CONFIRM_MIN_MS: '0',
    MATCH_POLICY: 'never',
    RATE_LIMIT_SCALE: '1000',
    CLIENTS_FILE: file,
    ...env,
  }
  const config = parseConfig(settings, { lanAddress: null, loadSecret: () => 'x'.repeat(43) })
  const qrLogin = createQrLogin({ config, store, activeMs: () => 0, ...(now === undefined ? {} : { now }) })
  const http = createServer((message, response) => {
    if (!qrLogin.nodeHandler(message, response)) response.end()
  })
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  const issuer = `${origin}/oidc`
  await expect.poll(async () => (await fetch(`${issuer}/jwks`)).status, { interval: 200 }).toBe(200)
  const stop = async () => {
    http.closeAllConnections()
    http.close()
    await qrLogin.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { origin, issuer, qrLogin, stop }
}

/** An embedded store in a folder of its own. A failure in the background fails the test. */
export function openStore(options: { maxRecords?: number } = {}) {
  const folder = folderForTest()
  const store = new SqliteStore(
    folder,
    (error) => {
      throw error
    },
    options,
  )
  const close = () => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { store, folder, close }
}
