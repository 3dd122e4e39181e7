import { subscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { join, relative } from 'node:path'
import type { Duplex } from 'node:stream'
import { renderUnicodeCompact } from 'uqr'
import type { Config } from '@/lib/config'
import type { FindNetwork } from '@/lib/http/client-network'
import { baseHeaders } from '@/lib/http/headers'
import { writePeer } from '@/lib/http/peer'
import { isProbe, readTarget } from '@/lib/http/target'
import { createDoor, type Door } from '@/lib/server/door'
import { NodeHeaders } from '@/lib/server/node-request'
import { services } from '@/lib/services'
import { StartError } from '@/lib/start-error'

/** A process that still has something open this long after it was told to end is ended. */
const EXIT_DEADLINE_MS = 8_000

/** How long a process that is told to end goes on as before, but for its readiness: so that whoever sends it requests hears of it first. */
const UNREADY_FIRST_MS = 1_000

const DOOR = Symbol.for('qr-login.door')

const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 }

/** Checks the settings, opens the store, and prepares for the end. What keeps it from starting ends it with a table. */
export function startProcess(): void {
  const { config, log, close, findNetwork } = startServices()
  prepareRequests(config, findNetwork)
  if (config.isLocal) announce(config.publicOrigin, config.port)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => shutDown(signal))
  process.once('exit', close)
  // Our own server (scripts/start.mjs) hands it what is for the API.
  const door = createDoor({ files: listFiles('public'), now: () => performance.now() })
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
    if (!(error instanceof StartError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

/** What Next hands to route handlers. It answers TRACE with 500 and methods it has never heard of with an empty 400. */
const ROUTED_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Prepares each request as the HTTP server hands it over, before Next sees it. */
function prepareRequests({ publicOrigin, ownOrigins }: Config, findNetwork: FindNetwork): void {
  const always = baseHeaders(publicOrigin)
  const ownNames = new Set([...ownOrigins].map((origin) => new URL(origin).hostname))
  subscribe('http.server.request.start', (message) => {
    const { request, response, server } = message as {
      request: IncomingMessage
      response: ServerResponse
      server: Server
    }
    if (httpServer !== server) {
      httpServer = server
      // In authority-form (RFC 9112, section 3.2.3). Without a listener, Node ends the connection without an answer.
      server.on('connect', (_, socket) => refuseTunnel(socket, always))
    }
    // On every answer, whoever gives it: pages, files, errors, and what Next answers before it asks us.
    for (const [name, value] of always) response.setHeader(name, value)
    if (isEnding) response.setHeader('Connection', 'close')
    // Route handlers see headers, not sockets, and Next passes on whatever `X-Forwarded-For` the client wrote.
    writePeer(request.headers, request.socket.remoteAddress)
    // Next answers some targets with 500, and others with a redirect to the authority that the client named.
    const { url, host } = readTarget(request.url ?? '', request.headers.host, ownNames)
    request.url = url
    if (host !== undefined) request.headers.host = host
    // For its warning: a proxy that is not declared shows at the first request, not at the first sign-in.
    if (!isProbe(url)) findNetwork.watch(new NodeHeaders(request))
    // No resource offers OPTIONS, so that this is a 405 with what is offered.
    if (!ROUTED_METHODS.has(request.method ?? '')) request.method = 'OPTIONS'
  })
}

/** Answers CONNECT: there is no tunnel here. Node has left the socket to us, its errors included. */
function refuseTunnel(socket: Duplex, headers: [name: string, value: string][]): void {
  const lines = [...headers, ['Content-Length', '0'], ['Connection', 'close']].map(
    ([name, value]) => `${name}: ${value}`,
  )
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 404 Not Found\r\n${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy())
}

/** The paths under which the framework serves the files of a folder; none where the folder is not there. */
function listFiles(folder: string): Set<string> {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return new Set(files.map(({ parentPath, name }) => `/${relative(folder, join(parentPath, name))}`))
  } catch {
    return new Set()
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
