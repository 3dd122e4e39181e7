import { createServer, type IncomingMessage, type Server } from 'node:http'

/** What the app got of one request: the lines of its headers as they came. */
export interface ReceivedRequest {
  method: string
  url: string
  headers: [name: string, value: string][]
}

/** A small real app that knows people by the headers of its proxy, and shows what it got. */
export class HeaderApp {
  readonly received: ReceivedRequest[] = []
  readonly #server: Server
  readonly port: number

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  static async start(): Promise<HeaderApp> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const app = new HeaderApp(server, typeof address === 'object' ? (address?.port ?? 0) : 0)
    server.on('request', (request, response) => {
      const one = toReceived(request)
      app.received.push(one)
      request.resume()
      const user = one.headers.find(([name]) => name.toLowerCase() === 'remote-user')?.[1] ?? ''
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(`<!doctype html><title>Wiki</title><h1>${user}</h1><pre>${JSON.stringify(one)}</pre>`)
    })
    server.on('upgrade', (request, socket) => {
      app.received.push(toReceived(request))
      socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    })
    return app
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function toReceived(request: IncomingMessage): ReceivedRequest {
  const { method = '', url = '', rawHeaders } = request
  const names = rawHeaders.filter((_, index) => index % 2 === 0)
  const headers = names.map((name, index): [string, string] => [
    name,
    Buffer.from(rawHeaders[index * 2 + 1] ?? '', 'latin1').toString('utf8'),
  ])
  return { method, url, headers }
}
