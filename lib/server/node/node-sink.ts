import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BACKLOG_BYTES, type ByteSink } from '../../realtime/byte-sink'

/**
 * For Node's own response: bytes go to the connection, and cost nothing in between. Held until
 * `begin`.
 */
export class NodeSink implements ByteSink {
  readonly #response: ServerResponse
  /** What was written before the head of the response; null after it. */
  #held: Uint8Array[] | null = []
  #isClosed = false

  /** `socket`: of the request. */
  constructor(response: ServerResponse, socket: Socket, onGone: () => void) {
    this.#response = response
    whenGone(response, socket, () => {
      this.#isClosed = true
      onGone()
    })
  }

  /** The head is written: what comes from now on goes out at once. */
  begin(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const bytes of held) this.#response.write(bytes)
    if (this.#isClosed) this.#response.end()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return false
    if (this.#held !== null) {
      this.#held.push(bytes)
      return true
    }
    if (this.#response.writableLength >= BACKLOG_BYTES) {
      this.#isClosed = true
      this.#response.destroy()
      return false
    }
    this.#response.write(bytes)
    return true
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#held === null) this.#response.end()
  }
}

/**
 * Calls `onGone` once: when the response is over, or its client has left, at once where that was
 * before. A response that waits behind another one on its connection (pipelining) is not notified
 * when that connection ends: for it the socket is watched.
 */
export function whenGone(response: ServerResponse, socket: Socket, onGone: () => void): void {
  if (response.destroyed || socket.destroyed) {
    onGone()
    return
  }
  const isQueued = response.socket === null
  const leave = () => {
    response.off('close', leave)
    socket.off('close', leave)
    onGone()
  }
  response.once('close', leave)
  if (!isQueued) return
  socket.setMaxListeners(0)
  socket.once('close', leave)
}
