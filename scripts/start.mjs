// Serves the built app: `npm start`. The server runs in this process, so that signals reach it. Our
// own handlers serve the API (lib/server/node/node-handler.ts), Next serves everything else.
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'

// Without a listener, SIGUSR1 opens Node's inspector, and SIGHUP ends the process.
// instrumentation-node.ts adds listeners that log them.
if (process.env.NODE_ENV !== 'development') for (const signal of ['SIGUSR1', 'SIGHUP']) process.on(signal, () => {})

process.env.NEXT_TELEMETRY_DISABLED = '1'
// Every mode but the two local ones of lib/server/config.ts is production, for the framework too.
const isLocalMode = ['development', 'test'].includes(process.env.NODE_ENV ?? '')
if (!isLocalMode) Object.assign(process.env, { NODE_ENV: 'production' })

// Longer than the 60 s idle timeout of common proxies, so that the proxy closes idle connections.
// If the server did, a request could arrive on a closed connection.
const KEEP_ALIVE_MS = 65_000
// Requests are small: a client that takes longer only occupies a connection.
const HEADERS_MS = 15_000
const REQUEST_MS = 30_000
// How often Node checks connections against these limits.
const CHECK_MS = 1_000

// Read here, not in the shell: some shells set HOSTNAME to the machine's name.
const hostname = process.env.HOSTNAME || '0.0.0.0'
const port = Number(process.env.PORT || '3000')

/**
 * Errors of `listen`: the setting that causes each, and the problem.
 * @type {Record<string, [name: string, problem: string]>}
 */
const LISTEN_PROBLEMS = {
  EADDRINUSE: ['PORT', `${port} is in use: end the process that listens on it, or set another one`],
  EACCES: ['PORT', `this user may not listen on ${port}: set one above 1023`],
  EADDRNOTAVAIL: ['HOSTNAME', `${hostname} is no address of this machine: 0.0.0.0 is all of them`],
  ENOTFOUND: ['HOSTNAME', `${hostname} has no address: 0.0.0.0 is all addresses of this machine`],
  EAI_AGAIN: ['HOSTNAME', `${hostname} cannot be resolved now: 0.0.0.0 is all addresses of this machine`],
}

/**
 * Prints the text and exits with 1, so that a process that failed to start does not listen.
 * @param {string} text
 */
function fail(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

/** @param {NodeJS.ErrnoException} error */
function failToListen(error) {
  const [name, problem] = LISTEN_PROBLEMS[error.code ?? ''] ?? ['PORT', error.message]
  fail(`qr-login cannot listen:\n  ${name}  ${problem}`)
}

async function start() {
  const limits = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
  }
  const server = createServer(limits)
  // See lib/server/shared.ts.
  /** @type {import('../lib/server/shared').Shared} */
  const shared = { server }
  Reflect.set(globalThis, Symbol.for('qr-login'), shared)
  const { default: next } = await import('next')
  const app = next({ dev: false, hostname, port })
  // Runs instrumentation.ts, which validates the settings, prepares `server`, and exits on an
  // error.
  await app.prepare()
  const { handler } = shared
  if (handler === undefined) throw new Error('instrumentation.ts has not run')
  const pages = app.getRequestHandler()
  server.on('request', (request, response) => {
    if (!handler(request, response)) void pages(request, response)
  })
  // Next would take over and close connections whose requests offer an upgrade (some clients always
  // offer HTTP/2). The upgrade is ignored: the response uses the protocol of the request (RFC 9110,
  // section 7.8).
  server.on('newListener', (event) => {
    if (event === 'upgrade') setImmediate(() => server.removeAllListeners('upgrade'))
  })
  server.on('error', failToListen)
  // Uses the default backlog: in a longer queue, clients would time out before they are accepted.
  server.listen(port, hostname)
}

if (!existsSync('.next/BUILD_ID')) fail('qr-login is not built yet. Build it first:\n  npm run build')
try {
  await start()
} catch (error) {
  fail(`qr-login cannot start:\n${error instanceof Error ? error.stack : error}`)
}
