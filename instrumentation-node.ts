import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { renderUnicodeCompact } from 'uqr'
import { type Config, ConfigError } from '@/lib/config'
import { PEER_HEADER } from '@/lib/http/address'
import { baseHeaders } from '@/lib/http/headers'
import { isForeignHost } from '@/lib/http/host'
import { type Door, door } from '@/lib/server/door'
import { services } from '@/lib/services'

/** A process that still has something open this long after it was told to end is ended. */
const EXIT_DEADLINE_MS = 8_000

/** How long a process that is told to end goes on as before, but for its readiness: so that whoever sends it requests hears of it first. */
const UNREADY_FIRST_MS = 1_000

const DOOR = Symbol.for('qr-login.door')

const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 }

/** Checks the settings, opens the store, and prepares for the end. Wrong settings end the process with a table. */
export function startProcess(): void {
  const { config, log, close } = startServices()
  prepareRequests(config)
  if (config.isLocal) announce(config.publicOrigin, config.port)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => shutDown(signal))
  process.once('exit', close)
  // Our own server (scripts/start.mjs) hands it what is for the API.
  ;(globalThis as { [DOOR]?: Door })[DOOR] = door
  log.info({ publicOrigin: config.publicOrigin }, 'started')
}

/** Readiness goes down first, then every stream is told goodbye, then the process ends when what is under way has been answered. */
function shutDown(signal: keyof typeof EXIT_CODES): void {
  const { log, drain, becomeUnready } = services()
  const exit = () => process.exit(EXIT_CODES[signal])
  log.info({ signal }, 'shutting down')
  isEnding = true
  setTimeout(exit, EXIT_DEADLINE_MS).unref()
  becomeUnready()
  // Under `next start` Next hears the signal too, and ends its server at once.
  const isOurs = process.listenerCount(signal) === 0
  const waitMs = isOurs && signal === 'SIGTERM' ? UNREADY_FIRST_MS : 0
  setTimeout(() => {
    drain()
    if (!isOurs) return
    if (httpServer === null) return exit()
    httpServer.close(exit)
    const server = httpServer
    setInterval(() => server.closeIdleConnections(), 50).unref()
  }, waitMs)
}

/** The server that hands us requests; null before the first. */
let httpServer: Server | null = null

/** Told to end: each answer closes its connection, so that no proxy sends another request into one that we close. */
let isEnding = false

function startServices(): ReturnType<typeof services> {
  try {
    return services()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

/** What Next hands to route handlers. It answers TRACE with 500 and methods it has never heard of with an empty 400. */
const ROUTED_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Prepares each request as the HTTP server hands it over, before Next sees it. */
function prepareRequests({ publicOrigin, ownOrigins }: Config): void {
  const always = baseHeaders(publicOrigin)
  const ownNames = new Set([...ownOrigins].map((origin) => new URL(origin).hostname))
  subscribe('http.server.request.start', (message) => {
    const { request, response, server } = message as {
      request: IncomingMessage
      response: ServerResponse
      server: Server
    }
    httpServer = server
    // On every answer, whoever gives it: pages, files, errors, and what Next answers before it asks us.
    for (const [name, value] of always) response.setHeader(name, value)
    if (isEnding) response.setHeader('Connection', 'close')
    // Route handlers see headers, not sockets, and Next passes on whatever `X-Forwarded-For` the client wrote.
    request.headers[PEER_HEADER] = request.socket.remoteAddress ?? ''
    // No resource offers OPTIONS, so that this is a 405 with what is offered.
    if (!ROUTED_METHODS.has(request.method ?? '')) request.method = 'OPTIONS'
    // Next answers a path that cannot be decoded with 500; it leads nowhere.
    const isLost = !isDecodable(request.url ?? '') || isForeignHost(request.headers.host, ownNames)
    if (isLost && !request.url?.startsWith('/api/health/')) {
      request.url = request.url?.startsWith('/api/') ? '/api/nowhere' : '/nowhere'
    }
  })
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url.split('?', 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}

function announce(publicOrigin: string, port: number): void {
  const lines = [`  On this computer   http://localhost:${port}/login`, `  On your phone      ${publicOrigin}/phone`]
  process.stdout.write(`\nqr-login\n${lines.join('\n')}\n\n`)
  if (process.stdout.isTTY) process.stdout.write(`${terminalCode(`${publicOrigin}/phone`)}\n\n`)
}

/** The way to the phone page for a real phone. Black and white by name: a terminal's own colours may be the other way round. */
function terminalCode(url: string): string {
  const lines = renderUnicodeCompact(url, { border: 2 }).split('\n')
  return lines.map((line) => `  \x1b[97;40m${line}\x1b[0m`).join('\n')
}
