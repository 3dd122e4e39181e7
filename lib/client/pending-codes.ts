import type { ShortCodeView } from '../core/attempt/short-codes'
import type { CodeView } from '../core/attempt/views'
import { type Answer, call } from './api'
import { CodeClock } from './code-clock'
import type { ShownCode, ShownShortCode, SignInScreen } from './sign-in-screen'

/**
 * The codes of the pending attempt: the QR code of the current period and, where the person wants
 * one, the short code. No expired code is shown.
 */
export class PendingCodes {
  /** Whether the short code is shown. The choice stays when the next attempt replaces this one. */
  isShortWanted = false
  readonly #onOverdue: () => void
  readonly #clock: CodeClock
  #short: ShownShortCode | null = null
  #shortTimer: ReturnType<typeof setTimeout> | undefined
  /** The attempt of the running request. Null: none is running. */
  #requestedFor: string | null = null

  /** `onOverdue` is called after a code was removed because it has expired. */
  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue
    this.#clock = new CodeClock(onOverdue)
  }

  /** The code to show. Null: there is none yet. */
  get shown(): ShownCode | ShownShortCode | null {
    return this.isShortWanted ? this.#short : this.#clock.code
  }

  get screen(): SignInScreen {
    if (this.isShortWanted) return { state: 'short_code', shortCode: this.#short }
    const { code } = this.#clock
    return code === null ? { state: 'loading' } : { state: 'ready', code }
  }

  /** Whether the short code has to be requested: its attempt is pending. */
  get isShortMissing(): boolean {
    return this.isShortWanted && this.#short === null && this.#clock.code !== null
  }

  set(code: CodeView): void {
    this.#clock.set(code)
  }

  /** Requests the short code. Null: the same request is running, or `clear` was called. */
  async requestShort(attemptId: string): Promise<Answer<ShortCodeView> | null> {
    if (this.#requestedFor === attemptId) return null
    this.#requestedFor = attemptId
    const answer = await call<ShortCodeView>('POST', `/api/qr/${attemptId}/short-code`, { body: {} })
    if (this.#requestedFor !== attemptId) return null
    this.#requestedFor = null
    if (answer.ok) this.#setShort(answer.value)
    return answer
  }

  /** To be called when the page becomes visible. See `CodeClock.check`. */
  check(): boolean {
    return this.#clock.check()
  }

  /** Forgets the QR code: its successors are not received. */
  pause(): void {
    this.#clock.clear()
  }

  /** Forgets both, and ignores the response of a running request. */
  clear(): void {
    this.#clock.clear()
    clearTimeout(this.#shortTimer)
    this.#short = null
    this.#requestedFor = null
  }

  #setShort({ shortCode, expiresInMs }: ShortCodeView): void {
    clearTimeout(this.#shortTimer)
    this.#short = { letters: shortCode, periodMs: expiresInMs, endsAt: performance.now() + expiresInMs }
    this.#shortTimer = setTimeout(() => {
      this.#short = null
      this.#onOverdue()
    }, expiresInMs)
  }
}
