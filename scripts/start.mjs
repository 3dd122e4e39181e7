// Serves the built app: `npm start`. In this very process, so that a signal to it reaches the server. The API is answered by our own handlers
// (lib/server/door.ts), everything else by Next.
import { createServer } from 'node:http'

process.env.NEXT_TELEMETRY_DISABLED = '1'
// Every mode but the two that lib/config.ts names is production, for the framework too.
const isLocalMode = ['development', 'test'].includes(process.env.NODE_ENV ?? '')
if (!isLocalMode) Object.assign(process.env, { NODE_ENV: 'production' })

// Longer than the 60 s after which the usual proxies let an idle connection go: it is theirs to end, or a request meets a closed door.
const KEEP_ALIVE_MS = 65_000
// Requests are small; who takes longer to send one holds a connection and nothing else.
const HEADERS_MS = 15_000
const REQUEST_MS = 30_000

// Read here and not by the shell: some shells set HOSTNAME to the machine's own name.
const hostname = process.env.HOSTNAME || '0.0.0.0'
const port = Number(process.env.PORT || '3000')

const { default: next } = await import('next')
const app = next({ dev: false, hostname, port })
// Runs instrumentation.ts, which checks the settings, and ends the process where they are wrong.
await app.prepare()

/** @type {import('../lib/server/door').Door} */
const door = Reflect.get(globalThis, Symbol.for('qr-login.door'))
const pages = app.getRequestHandler()
const limits = { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS }
const server = createServer(limits, (request, response) => {
  if (!door(request, response)) void pages(request, response)
})
// Next would take over connections that offer to speak another protocol (some clients offer HTTP/2 on every one), and end them. The offer is
// not taken: they are answered in the protocol in which they asked (RFC 9110, section 7.8).
server.on('newListener', (event) => {
  if (event === 'upgrade') setImmediate(() => server.removeAllListeners('upgrade'))
})
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
// The system's default of waiting connections: a longer queue is one in which everybody gives up before it is their turn.
server.listen(port, hostname)
