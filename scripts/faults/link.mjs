// A wire between a process and a Redis: it leads new connections elsewhere, stalls a share of the
// chunks, or all.
import { connect, createServer } from 'node:net'

/** @typedef {import('node:net').Socket} Socket */

export class Link {
  #server
  /** @type {Set<Socket>} */
  #sockets = new Set()
  /** The share of chunks that are held back, and for how long; later bytes wait behind them. */
  stalls = { share: 0, leastMs: 0, mostMs: 0 }
  /** Nothing goes through, and nothing is closed. */
  isHeld = false
  /** So far. */
  chunks = 0
  stalled = 0

  /** @param {number} target @param {import('./chance.mjs').Chance} chance */
  constructor(target, chance) {
    this.target = target
    this.chance = chance
    this.#server = createServer((near) => this.#join(near, connect(this.target, '127.0.0.1')))
  }

  /**
   * @param {number} target
   * @param {import('./chance.mjs').Chance} chance
   * @returns {Promise<Link>}
   */
  static open(target, chance) {
    const link = new Link(target, chance)
    return new Promise((resolve) => link.#server.listen(0, '127.0.0.1', () => resolve(link)))
  }

  get port() {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  close() {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** @param {Socket} near @param {Socket} far */
  #join(near, far) {
    for (const [from, to] of /** @type {const} */ ([
      [near, far],
      [far, near],
    ])) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      let last = Promise.resolve()
      from.on('data', (bytes) => {
        const stall = this.#stallMs()
        last = last.then(() => this.#wait(stall)).then(() => void to.write(bytes))
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }

  #stallMs() {
    const { share, leastMs, mostMs } = this.stalls
    if (share === 0) return 0
    this.chunks += 1
    if (!this.chance.happens(share)) return 0
    this.stalled += 1
    return leastMs + this.chance.next() * (mostMs - leastMs)
  }

  /** @param {number} ms */
  async #wait(ms) {
    if (ms > 0) await new Promise((wake) => setTimeout(wake, ms))
    while (this.isHeld) await new Promise((wake) => setTimeout(wake, 10))
  }
}
