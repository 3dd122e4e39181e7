import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import { type IncomingMessage, Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { join, relative } from 'node:path'
import type { Duplex } from 'node:stream'
import { renderUnicodeCompact } from 'uqr'
import type { FindNetwork } from '@/lib/http/client-network'
import { baseHeaders, headersFor } from '@/lib/http/headers'
import { listNames } from '@/lib/http/host'
import { writePeer } from '@/lib/http/peer'
import { isProbe, readTarget } from '@/lib/http/target'
import type { Config } from '@/lib/server/config'
import { Connections, findConnectionLimit } from '@/lib/server/node/connections'
import { delayContinue } from '@/lib/server/node/continue'
import { markPrepared, NodeHeaders } from '@/lib/server/node/node-request'
import { createPageGate } from '@/lib/server/node/page-gate'
import { Shutdown } from '@/lib/server/node/shutdown'
import { listenToSignals } from '@/lib/server/node/signals'
import { qrLogin, shared } from '@/lib/server/shared'

/**
 * Checks the settings, opens the store, and prepares for requests and for the end.
 * @throws StartError, and whatever else keeps the process from starting.
 */
export function startProcess({ isDevelopment }: { isDevelopment: boolean }): void {
  const { context, nodeHandler, becomeUnready, drain, close } = qrLogin()
  const { config, log, findNetwork, recorder, clients } = context
  const server = shared().server ?? null
  const now = () => performance.now()
  const connections = new Connections({ log, now, max: findConnectionLimit() })
  recorder.observe('connections', () => connections.countOpen())
  recorder.observe('connections_max', () => connections.max)
  recorder.observe('connections_dropped_total', () => connections.dropped)
  const exit = (code: number) => process.exit(code)
  const shutdown = new Shutdown({ log, becomeUnready, drain, server, exit })
  shutdown.listen(process)
  if (!isDevelopment) listenToSignals(process, { log, clients })
  process.once('exit', close)
  prepareServer(server, config, { connections, isDevelopment })
  prepareRequests(config, findNetwork, shutdown)
  const { trustedProxies, rateLimitScale: scale } = config
  const pageGate = createPageGate({ audit: context.audit, trustedProxies, scale, files: listFiles('public'), now })
  shared().handler = (message, response) => nodeHandler(message, response) || pageGate(message, response)
  const announceStart = () => {
    if (config.isLocal) announce(config.publicOrigin, config.port)
    log.info({ publicOrigin: config.publicOrigin, port: config.port }, 'started')
  }
  // Next's own server listens before it calls us.
  if (server === null) announceStart()
  else server.once('listening', announceStart)
}

/** Prepares the HTTP server: `own`, or Next's when it accepts its first connection. */
function prepareServer(
  own: Server | null,
  { publicOrigin }: Config,
  { connections, isDevelopment }: { connections: Connections; isDevelopment: boolean },
): void {
  const always = baseHeaders(publicOrigin)
  const prepare = (server: Server) => {
    connections.watch(server)
    delayContinue(server)
    // In authority-form (RFC 9112, section 3.2.3). Without a listener, Node ends the connection
    // without a response.
    server.on('connect', (_, socket) => refuseTunnel(socket, always))
  }
  if (own !== null) {
    prepare(own)
    return
  }
  const onConnection = (message: unknown) => {
    const { server } = (message as { socket: Socket & { server?: unknown } }).socket
    if (!(server instanceof Server)) return
    unsubscribe('net.server.socket', onConnection)
    prepare(server)
    // Next ends connections that offer to speak another protocol. In development it speaks one
    // itself.
    if (!isDevelopment) server.removeAllListeners('upgrade')
  }
  subscribe('net.server.socket', onConnection)
}

/**
 * What Next hands to route handlers. It answers TRACE with 500 and unknown methods with an empty
 * 400.
 */
const ROUTED_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Prepares each request as the HTTP server hands it over, before Next sees it. */
function prepareRequests(config: Config, findNetwork: FindNetwork, shutdown: Shutdown): void {
  const { publicOrigin, ownOrigins, forwardAuthHosts } = config
  const always = baseHeaders(publicOrigin)
  const { ownNames, appNames } = listNames(ownOrigins, forwardAuthHosts)
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    // On every response: pages, files, errors, and what Next answers without calling our code.
    for (const [name, value] of headersFor(request.url ?? '', always)) response.setHeader(name, value)
    if (shutdown.hasBegun) response.setHeader('Connection', 'close')
    // Route handlers see headers, not sockets, and Next passes on whatever `X-Forwarded-For` the
    // client wrote.
    writePeer(request.headers, request.socket.remoteAddress)
    // Next answers some targets with 500, and others with a redirect to the authority that the
    // client named.
    const { url, host } = readTarget(request.url ?? '', request.headers.host, ownNames, appNames)
    request.url = url
    if (host !== undefined) request.headers.host = host
    markPrepared(response)
    // For its warning: a proxy that is not declared shows at the first request, not at the first
    // sign-in.
    if (!isProbe(url)) findNetwork.watch(new NodeHeaders(request))
    // No resource offers OPTIONS, so that this is a 405 with what is offered.
    if (!ROUTED_METHODS.has(request.method ?? '')) request.method = 'OPTIONS'
  })
}

/**
 * Answers CONNECT: there is no tunnel here. Node has left the socket to us, its errors included.
 */
function refuseTunnel(socket: Duplex, headers: [name: string, value: string][]): void {
  const lines = [...headers, ['Content-Length', '0'], ['Connection', 'close']].map(
    ([name, value]) => `${name}: ${value}`,
  )
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 404 Not Found\r\n${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy())
}

/**
 * The paths under which the framework serves the files of a folder; none where the folder is not
 * there.
 */
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

/**
 * The way to the phone page for a real phone. Black and white by name: a terminal's own colours may
 * be the other way round.
 */
function terminalCode(url: string): string {
  const lines = renderUnicodeCompact(url, { border: 2 }).split('\n')
  return lines.map((line) => `  \x1b[97;40m${line}\x1b[0m`).join('\n')
}
