import type { CodeView } from '../core/attempt/views'
import type { ShownCode } from './sign-in-screen'

/** How late the next code may be. The server accepts the old code for one more period. */
const GRACE_MS = 2_000

/** Holds the current code, and removes it when it is overdue, so that no expired code is shown. */
export class CodeClock {
  readonly #onOverdue: () => void
  #code: ShownCode | null = null
  /** On the wall clock: some systems stop the monotonic clock during sleep. */
  #endsAtWall = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `onOverdue` is called after the code was removed because its successor did not arrive. */
  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue
  }

  get code(): ShownCode | null {
    return this.#code
  }

  /**
   * To be called when a code is received. `periodMs` of the result is the longest lifetime of the
   * successive codes, so that the countdown ring does not jump.
   */
  set({ url, expiresInMs }: CodeView): ShownCode {
    const periodMs = Math.max(expiresInMs, this.#code?.periodMs ?? 0)
    this.clear()
    this.#code = { url, periodMs, endsAt: performance.now() + expiresInMs }
    this.#endsAtWall = Date.now() + expiresInMs
    this.#timer = setTimeout(() => this.#end(), expiresInMs + GRACE_MS)
    return this.#code
  }

  /** To be called when the page becomes visible: removes an expired code. True if it did. */
  check(): boolean {
    if (this.#code === null || Date.now() < this.#endsAtWall) return false
    this.#end()
    return true
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#code = null
  }

  #end(): void {
    this.clear()
    this.#onOverdue()
  }
}
