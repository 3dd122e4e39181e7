// qr-login in a plain node:http server: the API is answered here, everything else by your own code.
import { createServer, type Server } from 'node:http'
import { createQrLogin, loadConfig, type QrLogin } from '../../../lib/index'

/** `settings`: as in the README; PUBLIC_ORIGIN and SESSION_SECRET are required in production. */
export function serve(settings: Record<string, string>): { server: Server; qrLogin: QrLogin } {
  const qrLogin = createQrLogin({ config: loadConfig(settings) })
  const server = createServer((request, response) => {
    if (qrLogin.nodeHandler(request, response)) return
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end('Your own pages.\n')
  })
  // Streams are told to reconnect elsewhere, then nothing holds the server open.
  server.on('close', () => qrLogin.close())
  return { server, qrLogin }
}
