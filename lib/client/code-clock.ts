import type { CodeView } from '../core/attempt/views'
import type { ShownCode } from './sign-in-screen'

/**
 * The next code may be this late before the old one is taken down. It is good for one more period.
 */
const GRACE_MS = 2_000

/** The code that may be shown, for as long as it may. A dead code is never shown. */
export class CodeClock {
  readonly #onOverdue: () => void
  #code: ShownCode | null = null
  /** By the wall clock too: some systems stop the monotonic one while they sleep. */
  #endsAtWall = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `onOverdue`: the code has run out and no other has come; it is gone already. */
  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue
  }

  get code(): ShownCode | null {
    return this.#code
  }

  /**
   * A code that has just come. The ring drains over the longest time that a code of this attempt
   * has had.
   */
  set({ url, expiresInMs }: CodeView): ShownCode {
    const periodMs = Math.max(expiresInMs, this.#code?.periodMs ?? 0)
    this.clear()
    this.#code = { url, periodMs, endsAt: performance.now() + expiresInMs }
    this.#endsAtWall = Date.now() + expiresInMs
    this.#timer = setTimeout(() => this.#end(), expiresInMs + GRACE_MS)
    return this.#code
  }

  /**
   * To be called when the page is visible again: removes what expired while it was hidden. True
   * when it did.
   */
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
