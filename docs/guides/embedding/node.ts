// qr-login in a plain node:http server: the API is answered here, everything else by your own code.
import { createServer, type Server } from 'node:http'
import { createQrLogin, loadConfig } from '../../../lib/index'

/** `settings`: see docs/settings.md; PUBLIC_ORIGIN and SESSION_SECRET are required in production. */
export function serve(settings: Record<string, string>): { server: Server; stop: () => Promise<void> } {
  const qrLogin = createQrLogin({ config: loadConfig(settings) })
  const server = createServer((request, response) => {
    if (qrLogin.nodeHandler(request, response)) return
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end('Your own pages.\n')
  })
  const stop = async () => {
    // Open streams hold the server open: first they are told to reconnect elsewhere.
    qrLogin.drain()
    await new Promise((resolve) => server.close(resolve))
    await qrLogin.close()
  }
  return { server, stop }
}
