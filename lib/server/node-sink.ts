import type { ServerResponse } from 'node:http'
import { BACKLOG_BYTES, type Sink } from '../sse/streams'

/** The door for Node's own response: frames go to the connection, and cost nothing in between. Held until `begin`. */
export class NodeSink implements Sink {
  readonly #response: ServerResponse
  /** What was written before the head of the answer; null after it. */
  #held: Uint8Array[] | null = []
  #isClosed = false

  constructor(response: ServerResponse, onGone: () => void) {
    this.#response = response
    const leave = () => {
      this.#isClosed = true
      onGone()
    }
    // Whoever left while it was found out whose stream this is will not be heard leaving again.
    if (response.destroyed) leave()
    else response.once('close', leave)
  }

  /** The head is written: what comes from now on goes out at once. */
  begin(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const frame of held) this.#response.write(frame)
    if (this.#isClosed) this.#response.end()
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false
    if (this.#held !== null) {
      this.#held.push(frame)
      return true
    }
    if (this.#response.writableLength >= BACKLOG_BYTES) {
      this.#isClosed = true
      this.#response.destroy()
      return false
    }
    this.#response.write(frame)
    return true
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#held === null) this.#response.end()
  }
}
