import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What a wire does to the answers that come through it. */
export type Fault =
  | { kind: 'none' }
  /** Each answer comes this much later. */
  | { kind: 'late'; ms: number }
  /** Each answer is cut in its middle, and the connection with it. */
  | { kind: 'torn' }
  /** Each command is answered by this error, and does not arrive. */
  | { kind: 'error'; reply: string }
  /**
   * This share of all chunks is held back for `ms`, and all later bytes of the same direction wait
   * behind it, as in TCP.
   */
  | { kind: 'stall'; share: number; ms: number }

/** A wire to a real server, on a port of its own, that can be made to fail. For tests only. */
export class FaultyWire {
  fault: Fault = { kind: 'none' }
  /** Whether new connections are deaf from the beginning. */
  isDead = false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #deaf = new Set<Socket>()

  /** Chunks that were held back. */
  stalls = 0
  #random = 1

  private constructor(port: () => number) {
    this.#server = createServer((near) => this.#join(near, port()))
  }

  /**
   * Leads to `port`: a function is asked for each new connection, as a name that follows the
   * primary is.
   */
  static async open(port: number | (() => number)): Promise<FaultyWire> {
    const wire = new FaultyWire(typeof port === 'number' ? () => port : port)
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /**
   * The connections of now stay open, and nothing goes through them any more, as when a machine has
   * lost its power. New ones work.
   */
  deafen(): void {
    for (const socket of this.#sockets) this.#deaf.add(socket)
  }

  /** Ends the connections of now, as a server that restarts does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(near: Socket, port: number): void {
    const far = connect(port, '127.0.0.1')
    if (this.isDead) this.#deaf.add(near).add(far)
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
    }
    const [toFar, toNear] = [this.#lossy(far), this.#lossy(near)]
    near.on('data', (bytes: Buffer) => {
      if (this.#deaf.has(near)) return
      if (this.fault.kind === 'stall') toFar(bytes)
      else if (this.fault.kind === 'error') near.write(`${this.fault.reply}\r\n`)
      else far.write(bytes)
    })
    far.on('data', (bytes: Buffer) => {
      if (this.#deaf.has(far)) return
      const { fault } = this
      if (fault.kind === 'stall') toNear(bytes)
      else if (fault.kind === 'late') setTimeout(() => near.write(bytes), fault.ms)
      else if (fault.kind === 'torn') near.end(bytes.subarray(0, Math.ceil(bytes.length / 2)))
      else near.write(bytes)
    })
  }
  /** Writes to `to` in order, and holds some chunks back. */
  #lossy(to: Socket): (bytes: Buffer) => void {
    const held: Buffer[] = []
    const flush = () => to.write(Buffer.concat(held.splice(0)))
    return (bytes) => {
      if (held.length > 0) return void held.push(bytes)
      if (this.fault.kind !== 'stall' || this.#draw() >= this.fault.share) return void to.write(bytes)
      this.stalls += 1
      held.push(bytes)
      setTimeout(flush, this.fault.ms)
    }
  }

  /** From 0 to 1, the same sequence in each run. */
  #draw(): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647
    return this.#random / 2_147_483_647
  }
}
