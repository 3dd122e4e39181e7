import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { ConfigError } from '@/lib/config'
import { PEER_HEADER } from '@/lib/http/address'
import { services } from '@/lib/services'

/** A process that still has something open this long after it was told to end is ended. */
const EXIT_DEADLINE_MS = 8_000

/** Checks the settings, opens the store, and prepares for the end. Wrong settings end the process with a table. */
export function startProcess(): void {
  markPeers()
  const { config, log, drain, close } = startServices()
  if (config.isLocal) announce(config.publicOrigin, config.port)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'shutting down')
      // Next stops listening and waits for the open connections: the streams are ours to end.
      drain()
      setTimeout(() => process.exit(signal === 'SIGTERM' ? 143 : 130), EXIT_DEADLINE_MS).unref()
    })
  }
  process.once('exit', close)
  log.info({ publicOrigin: config.publicOrigin }, 'started')
}

function startServices(): ReturnType<typeof services> {
  try {
    return services()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

/**
 * Route handlers see headers, not sockets, and Next passes on whatever `X-Forwarded-For` the client wrote. So each
 * request is marked with its socket's address as the HTTP server hands it over.
 */
function markPeers(): void {
  subscribe('http.server.request.start', (message) => {
    const { headers, socket } = (message as { request: IncomingMessage }).request
    headers[PEER_HEADER] = socket.remoteAddress ?? ''
  })
}

function announce(publicOrigin: string, port: number): void {
  const lines = [`  On this computer   http://localhost:${port}/login`, `  On your phone      ${publicOrigin}/phone`]
  process.stdout.write(`\nqr-login\n${lines.join('\n')}\n\n`)
}
