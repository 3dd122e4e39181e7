// The sample app of the demo: an app of its own on the next port, to which people sign in with
// their phone. It runs in a worker, so that nothing of the server of the demo applies to it.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { Worker } from 'node:worker_threads'

const APP = new URL('../../docs/guides/apps/sample-app.mjs', import.meta.url)

/** The files that the server reads settings from, the weakest first. */
const ENV_FILES = ['.env', '.env.production', '.env.local', '.env.production.local']

const CLIENT_ID = 'sample-app'

const START_MS = 15_000
const POLL_MS = 50

/** @param {string} line */
const print = (line) => void process.stdout.write(`${line}\n`)

/**
 * `browserOrigin`: where browsers on this machine open the demo; null: at its issuer.
 * @typedef {object} SampleApp
 * @property {string} url
 * @property {number} port
 * @property {number} loginPort
 * @property {string} secret
 * @property {string | null} browserOrigin
 */

/**
 * Registers the sample app: writes its clients file and sets `CLIENTS_FILE`. Null, and a line that
 * says why, where that file is set already, the port is in use, or the folder is of no use.
 * @returns {Promise<SampleApp | null>}
 */
export async function registerSampleApp() {
  const settings = readSettings()
  if (settings.CLIENTS_FILE) {
    print(`No sample app: CLIENTS_FILE is set.`)
    return null
  }
  const loginPort = Number(settings.PORT || '3000')
  const port = loginPort + 1
  if (!(await isFree(port))) {
    print(`No sample app: port ${port} is in use.`)
    return null
  }
  const url = `http://localhost:${port}`
  const secret = randomBytes(32).toString('base64url')
  try {
    process.env.CLIENTS_FILE = writeClients(settings.DATA_DIR || '.data', url, secret)
  } catch (error) {
    // The server says what is wrong with the folder.
    print(`No sample app: ${error instanceof Error ? error.message : error}`)
    return null
  }
  // Without a setting, the pages on localhost are the demo's too (lib/server/config.ts), and the
  // person is signed in there.
  const browserOrigin = settings.PUBLIC_ORIGIN ? null : `http://localhost:${loginPort}`
  return { url, port, loginPort, secret, browserOrigin }
}

/** What the server is going to read. `PORT` is of the environment alone. */
function readSettings() {
  const files = ENV_FILES.filter((file) => existsSync(file)).map((file) => parseEnv(readFileSync(file, 'utf8')))
  /** @type {Record<string, string | undefined>} */
  const settings = Object.assign({}, ...files, process.env, { PORT: process.env.PORT })
  return settings
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/**
 * @param {string} folder
 * @param {string} url
 * @param {string} secret
 */
function writeClients(folder, url, secret) {
  const file = join(folder, 'sample-app-clients.json')
  // Of a third party, so that the phone shows what it asks for.
  const client = {
    client_id: CLIENT_ID,
    client_secret: secret,
    client_name: 'Sample app',
    'client_name#zh-CN': '示例应用',
    client_uri: `${url}/`,
    redirect_uris: [`${url}/callback`],
    post_logout_redirect_uris: [`${url}/`],
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // A file that exists would keep its mode.
  rmSync(file, { force: true })
  writeFileSync(file, `${JSON.stringify([client], null, 2)}\n`, { flag: 'wx', mode: 0o600 })
  return file
}

/**
 * Starts the app once the server of the demo answers. The demo goes on without it if it fails.
 * @param {SampleApp} app
 */
export async function startSampleApp({ url, port, loginPort, secret, browserOrigin }) {
  const discovery = `http://127.0.0.1:${loginPort}/oidc/.well-known/openid-configuration`
  const answer = await waitFor(discovery, () => false)
  const { issuer } = /** @type {{ issuer?: string }} */ ((await answer?.json()) ?? {})
  if (issuer === undefined) {
    print('No sample app: the provider does not answer.')
    return
  }
  const worker = new Worker(APP, {
    execArgv: [],
    env: {
      QR_LOGIN_ISSUER: issuer,
      QR_LOGIN_CLIENT_ID: CLIENT_ID,
      QR_LOGIN_CLIENT_SECRET: secret,
      ...(browserOrigin === null ? {} : { QR_LOGIN_BROWSER_ORIGIN: browserOrigin }),
      APP_URL: url,
      PORT: String(port),
    },
  })
  let hasEnded = false
  worker.once('error', (error) => {
    hasEnded = true
    print(`The sample app has ended: ${error.message}`)
  })
  if ((await waitFor(`http://127.0.0.1:${port}/`, () => hasEnded)) !== null) print(`  Sample app         ${url}\n`)
}

/**
 * The first successful response; null where there is none in time.
 * @param {string} url
 * @param {() => boolean} hasEnded
 */
async function waitFor(url, hasEnded) {
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline && !hasEnded()) {
    const response = await fetch(url).catch(() => null)
    if (response?.ok) return response
    await response?.body?.cancel()
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return null
}
