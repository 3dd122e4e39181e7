import { connect, createServer, type Server as NetServer, type Socket } from 'node:net'

/** The network between browsers and a server: can be cut, and mended. */
export class Wire {
  readonly #server: NetServer
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(server: NetServer) {
    this.#server = server
  }

  /** Listens on `port` and leads to `target()`. */
  static async open(port: number, target: () => number): Promise<Wire> {
    const server = createServer()
    const wire = new Wire(server)
    server.on('connection', (near) => wire.#join(near, target()))
    await new Promise<void>((resolve) => server.listen(port, resolve))
    return wire
  }

  /** Breaks every connection, and every new one until `mend`. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #join(near: Socket, port: number): void {
    if (this.#isCut) {
      near.destroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }
}
