import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Chance } from './chance'

/** What a wire does to the bytes that it forwards. */
export type WireFault =
  | { kind: 'none' }
  /** Each response arrives this much later. */
  | { kind: 'late'; ms: number }
  /** Each response is cut in its middle, and the connection with it. */
  | { kind: 'torn' }
  /** Each command gets this error as its response, and is not forwarded. */
  | { kind: 'error'; reply: string }
  /**
   * This share of all chunks is delayed, and all later bytes of the same direction wait for them,
   * as in TCP. `adds`: a chunk that waits behind a delayed one can be delayed in addition.
   */
  | { kind: 'stall'; share: number; leastMs: number; mostMs: number; adds: boolean }
  /** Nothing arrives until the fault is replaced. No connection is closed. */
  | { kind: 'hold' }

interface WireOptions {
  /** Listens on this port, on all addresses; without it on a free port of 127.0.0.1. */
  port?: number
  /** Selects the chunks that `stall` delays. */
  chance?: Chance
}

/** A network between clients and a server, on a port of its own, that can be made to fail. */
export class Wire {
  fault: WireFault = { kind: 'none' }
  /** Whether new connections are silent from the beginning. */
  isSilent = false
  /** How many chunks `stall` could delay, and how many it did. */
  chunks = 0
  stalled = 0
  readonly #server: Server
  readonly #chance: Chance
  readonly #sockets = new Set<Socket>()
  readonly #silent = new Set<Socket>()
  #isCut = false

  private constructor(target: () => number, chance: Chance) {
    this.#chance = chance
    this.#server = createServer((near) => this.#join(near, target()))
  }

  /** `target` is called for each new connection, and returns the port of the server. */
  static async open(target: () => number, { port, chance = new Chance(1) }: WireOptions = {}): Promise<Wire> {
    const wire = new Wire(target, chance)
    const address = port === undefined ? { port: 0, host: '127.0.0.1' } : { port }
    await new Promise<void>((resolve) => wire.#server.listen(address, resolve))
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Closes the current connections, as a server that restarts does. New ones work. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Closes the current connections, and every new one until `mend`. */
  cut(): void {
    this.#isCut = true
    this.disconnect()
  }

  mend(): void {
    this.#isCut = false
  }

  /**
   * The current connections stay open but transmit nothing more, as after a power failure. New ones
   * work.
   */
  silence(): void {
    for (const socket of this.#sockets) this.#silent.add(socket)
  }

  /** Closes all connections, without waiting for anything. Resolves when the port is free. */
  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(near: Socket, port: number): void {
    if (this.#isCut) {
      near.destroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    if (this.isSilent) this.#silent.add(near).add(far)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        this.#silent.delete(from)
        to.destroy()
      })
    }
    const [toFar, toNear] = [this.#sender(far), this.#sender(near)]
    near.on('data', (bytes) => {
      if (this.#silent.has(near)) return
      if (this.fault.kind === 'error') near.write(`${this.fault.reply}\r\n`)
      else toFar(bytes)
    })
    far.on('data', (bytes) => {
      if (this.#silent.has(far)) return
      if (this.fault.kind === 'torn') near.end(bytes.subarray(0, Math.ceil(bytes.length / 2)))
      else toNear(bytes, this.fault.kind === 'late' ? this.fault.ms : 0)
    })
  }

  /** Writes to `to` in order: `lateMs` after it is called, and after the delays of the fault. */
  #sender(to: Socket): (bytes: Buffer, lateMs?: number) => void {
    let last = Promise.resolve()
    let waiting = 0
    return (bytes, lateMs = 0) => {
      const dueAt = performance.now() + lateMs
      const stallMs = this.#drawStallMs(waiting > 0)
      waiting += 1
      last = last.then(async () => {
        const delayMs = Math.max(stallMs, dueAt - performance.now())
        if (delayMs > 0) await pause(delayMs)
        while (this.fault.kind === 'hold' && !to.destroyed) await pause(10)
        waiting -= 1
        to.write(bytes)
      })
    }
  }

  #drawStallMs(isBehind: boolean): number {
    if (this.fault.kind !== 'stall' || (isBehind && !this.fault.adds)) return 0
    const { share, leastMs, mostMs } = this.fault
    this.chunks += 1
    if (!this.#chance.happens(share)) return 0
    this.stalled += 1
    return leastMs + this.#chance.next() * (mostMs - leastMs)
  }
}
