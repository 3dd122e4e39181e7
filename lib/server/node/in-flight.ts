import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Browsers and proxies send one request at a time on a connection. */
const MOST_IN_FLIGHT = 8

/**
 * Requests that were sent behind each other on one connection (pipelining, RFC 9112, section
 * 9.3.2). Their responses wait for the one before: a client that does not read would make the
 * process keep all of them, and what they have open. A connection with more than a few is cut; one
 * that ends takes its waiting responses along, which Node does not report.
 */
export class InFlight {
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()

  /**
   * To be called with each request. False: the connection was cut, and the request is not to be
   * answered.
   */
  admit(socket: Socket, response: ServerResponse): boolean {
    if (socket.destroyed) return false
    const waiting = this.#waiting.get(socket) ?? this.#watch(socket)
    if (waiting.size >= MOST_IN_FLIGHT) {
      socket.destroy()
      return false
    }
    waiting.add(response)
    response.once('close', () => waiting.delete(response))
    return true
  }

  #watch(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>()
    this.#waiting.set(socket, waiting)
    socket.once('close', () => {
      for (const response of [...waiting]) {
        if (response.socket !== null || response.closed) continue
        response.destroy()
        response.emit('close')
      }
    })
    return waiting
  }
}
