import type { Review } from '../core/attempt/views'
import type { Refused } from './api'
import { type ApprovalBrowser, currentBrowser } from './approval-browser'
import { type ApprovalScreen, ENDINGS, type Ending, findEnding } from './approval-screen'
import { parseCodeFragment, toHash } from './code-fragment'
import { holdCode, scanCode } from './code-requests'
import { Observable } from './observable'

/** Temporary refusals: the same request is sent again. */
const RETRYABLE = new Set<Refused['code']>(['network', 'unavailable', 'rate_limited', 'too_soon'])

const RETRY_MS = 2_000
/**
 * While the match number is due, the state is requested at this interval, in case account events
 * are lost. Not more often, because each request counts against the person's rate limit.
 */
const REFRESH_EVERY_MS = 10_000

const RATE_LIMITED_MS = 60_000

export interface ApprovalOptions {
  isPhoneSignedIn: boolean
  /** From the server: false if a foreign page may have initiated the request for this document. */
  isInitiatorTrusted: boolean
}

/**
 * The phone's side of a sign-in: scans the code, shows the review, sends the person's answer. Sends
 * nothing for a code that a foreign page may have opened, until the person taps "Continue".
 */
export class Approval {
  readonly screen: Observable<ApprovalScreen>
  readonly #options: ApprovalOptions
  readonly #browser: ApprovalBrowser
  #isPhoneSignedIn: boolean
  #code = ''
  /** Whether this code may be scanned: the document is trusted, or the person tapped. */
  #mayScan = false
  #claim: string | null = null
  /** Incremented with each code and each step of the person. Older responses are ignored. */
  #round = 0
  #unfollow: (() => void) | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  /** When the state was last requested, on the monotonic clock. */
  #scannedAt = Number.NEGATIVE_INFINITY

  constructor(options: ApprovalOptions, browser: ApprovalBrowser = currentBrowser) {
    this.#options = options
    this.#browser = browser
    this.#isPhoneSignedIn = options.isPhoneSignedIn
    // The server renders this state too, without knowing the fragment.
    this.screen = new Observable<ApprovalScreen>({ state: firstState(options) })
  }

  /**
   * Reads the code from the fragment of the address, now and whenever it changes. Returns the
   * function that ends the approval.
   */
  open(): () => void {
    const { mayActUnprompted: mayAct, onHashChange } = this.#browser
    // A foreign page with a handle to this window can change the fragment without any request.
    const unlisten = onHashChange(() => this.#readCode(false))
    this.#readCode(mayAct(this.#options.isInitiatorTrusted))
    return () => {
      unlisten()
      this.#close()
    }
  }

  /** To be called after a sign-in on this phone. Does not replace the tap in the state `opened`. */
  onSignedIn(): void {
    this.#isPhoneSignedIn = true
    this.#proceed()
  }

  /** "Continue" in the state `opened`: allows the scan. */
  allowScan(): void {
    if (this.#screen.state !== 'opened') return
    this.#mayScan = true
    this.#writeCode()
    this.#proceed()
  }

  async approve(): Promise<void> {
    await this.#submit('confirm')
  }

  async decline(): Promise<void> {
    await this.#submit('cancel')
  }

  /**
   * "Wasn't you?": cancels the confirmed attempt, or signs out the computer if it is already signed
   * in. The request is repeated until it has a response.
   */
  async signOut(): Promise<void> {
    if (this.#screen.state !== 'approved' || this.#screen.signOut !== 'offered') return
    this.#show({ state: 'approved', signOut: 'sending' })
    await this.#sendSignOut()
  }

  /** Another try in the state `offline` or `error`. */
  retry(): void {
    this.#proceed()
  }

  #readCode(mayAct: boolean): void {
    this.#close()
    this.#claim = null
    const { code, waitsForTap } = parseCodeFragment(this.#browser.readHash())
    this.#code = code
    this.#mayScan = mayAct && !waitsForTap
    this.#writeCode()
    this.#proceed()
  }

  #proceed(): void {
    if (this.#code === '') this.#show({ state: 'unknown' })
    else if (!this.#isPhoneSignedIn) {
      this.#show({ state: 'needs_sign_in' })
      void this.#holdCode()
    } else if (!this.#mayScan) this.#show({ state: 'opened' })
    else {
      // Before the scan, so that no event is lost in between.
      this.#follow()
      void this.#scan()
    }
  }

  #follow(): void {
    this.#unfollow?.()
    this.#unfollow = this.#browser.followAccount('phone', {
      // The event may be about another attempt that this phone scanned, so the state is requested.
      onAttempt: (review) => {
        if (this.#isChange(review)) void this.#scan()
      },
      onOpen: () => this.#refresh(),
      onSignedOut: () => this.#onPhoneSignedOut(),
    })
  }

  /** Whether a received state differs from the shown one. */
  #isChange({ status, match }: Omit<Review, 'claim'>): boolean {
    if (this.#screen.state !== 'review') return false
    return status !== 'scanned' || match.passed !== this.#screen.review.match.passed
  }

  /** After a reconnect: events may have been missed. */
  #refresh(): void {
    const isDue = performance.now() - this.#scannedAt >= REFRESH_EVERY_MS
    if (this.#screen.state === 'review' && isDue) void this.#scan()
  }

  /** Also used to refresh: the same phone gets the current state, even if its code has expired. */
  async #scan(): Promise<void> {
    const round = this.#round
    if (this.#claim === null) this.#show({ state: 'checking' })
    this.#scannedAt = performance.now()
    const answer = await scanCode(this.#browser.call, this.#code)
    if (round !== this.#round) return
    if (answer.ok) {
      this.#claim = answer.value.claim
      this.#onReview(answer.value)
    } else this.#onRefused(answer)
  }

  /** The code stays good while the person signs in. One that is bad already needs no sign-in. */
  async #holdCode(): Promise<void> {
    const round = this.#round
    const answer = await holdCode(this.#browser.call, this.#code)
    if (answer.ok || round !== this.#round || this.#screen.state !== 'needs_sign_in') return
    const ending = findEnding(answer)
    if (ending !== null) this.#end(ending)
    else if (RETRYABLE.has(answer.code)) this.#schedule(answer.retryAfterMs ?? RETRY_MS, () => void this.#holdCode())
  }

  async #submit(step: 'confirm' | 'cancel'): Promise<void> {
    if (this.#screen.state !== 'review') return
    clearTimeout(this.#retry)
    // The response of a running scan has the state from before this step.
    this.#round += 1
    this.#show({ ...this.#screen, state: 'submitting', step })
    await this.#send(step)
  }

  async #send(step: 'confirm' | 'cancel'): Promise<void> {
    const round = this.#round
    const answer = await this.#browser.call<Review>('POST', `/api/qr/${step}`, { body: { claim: this.#claim } })
    if (round !== this.#round) return
    if (answer.ok) this.#onReview(answer.value)
    else if (answer.code === 'match_required') this.#onMatchRequired()
    // Safe after a lost response: the same step gets the same response.
    else if (RETRYABLE.has(answer.code)) this.#schedule(answer.retryAfterMs ?? RETRY_MS, () => void this.#send(step))
    else this.#onRefused(answer)
  }

  /** The number has to be typed first: back to the review, with its current state. */
  #onMatchRequired(): void {
    if (this.#screen.state === 'submitting') this.#show({ state: 'review', review: this.#screen.review })
    void this.#scan()
  }

  async #sendSignOut(): Promise<void> {
    const round = this.#round
    const options = { body: { claim: this.#claim }, keepalive: true }
    const answer = await this.#browser.call<Review>('POST', '/api/qr/cancel', options)
    if (round !== this.#round) return
    if (answer.ok && (answer.value.status === 'cancelled' || answer.value.status === 'revoked')) {
      this.#onReview(answer.value)
    } else if (!answer.ok && RETRYABLE.has(answer.code)) {
      this.#show({ state: 'approved', signOut: 'waiting' })
      this.#schedule(answer.retryAfterMs ?? RETRY_MS, () => void this.#sendSignOut())
    } else this.#end('sign_out_failed')
  }

  #onReview(review: Review): void {
    clearTimeout(this.#retry)
    const { status, cancelledBy = 'phone' } = review
    if (status === 'pending' || status === 'scanned') this.#onUndecided(review)
    else if (status === 'confirmed' || status === 'redeemed') this.#onApproved()
    else this.#end(ENDINGS[status === 'cancelled' ? cancelledBy : status])
  }

  #onUndecided(review: Review): void {
    this.#show({ state: 'review', review })
    const isDue = review.match.required && !review.match.passed
    const refreshMs = Math.min(review.expiresInMs + 500, isDue ? REFRESH_EVERY_MS : Number.POSITIVE_INFINITY)
    this.#schedule(refreshMs, () => void this.#scan())
  }

  /** Removes the used code from the address, so that a reload does not scan it again. */
  #onApproved(): void {
    this.#close()
    this.#browser.writeHash('')
    this.#show({ state: 'approved', signOut: 'offered' })
  }

  #onRefused(refused: Refused): void {
    clearTimeout(this.#retry)
    const { code, requestId, retryAfterMs } = refused
    const ending = findEnding(refused)
    if (code === 'unauthenticated') this.#onPhoneSignedOut()
    else if (ending !== null) this.#end(ending)
    else if (code === 'rate_limited') this.#onRateLimited(retryAfterMs ?? RATE_LIMITED_MS)
    else if (code === 'network' || code === 'unavailable') {
      if (this.#screen.state !== 'review') this.#show({ state: 'offline', reference: null })
      this.#schedule(RETRY_MS, () => void this.#scan())
    } else this.#show({ state: 'error', reference: requestId })
  }

  /** A visible review stays: it can still be answered, and is only refreshed later. */
  #onRateLimited(waitMs: number): void {
    if (this.#screen.state !== 'review') this.#show({ state: 'rate_limited', endsAt: performance.now() + waitMs })
    this.#schedule(waitMs, () => void this.#scan())
  }

  /** A claim belongs to one phone session: after another sign-in the code is scanned again. */
  #onPhoneSignedOut(): void {
    this.#close()
    this.#isPhoneSignedIn = false
    this.#claim = null
    this.#show({ state: 'needs_sign_in' })
  }

  #end(state: Ending): void {
    this.#close()
    this.#browser.writeHash('')
    this.#show({ state })
  }

  #writeCode(): void {
    const hash = toHash({ code: this.#code, waitsForTap: !this.#mayScan })
    if (hash !== this.#browser.readHash()) this.#browser.writeHash(hash)
  }

  /** Replaces the request that is scheduled. */
  #schedule(ms: number, run: () => void): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(run, ms)
  }

  /** Stops requests and account events, and ignores running responses. */
  #close(): void {
    this.#round += 1
    clearTimeout(this.#retry)
    this.#unfollow?.()
    this.#unfollow = null
  }

  get #screen(): ApprovalScreen {
    return this.screen.get()
  }

  #show(screen: ApprovalScreen): void {
    this.screen.set(screen)
  }
}

function firstState({ isPhoneSignedIn, isInitiatorTrusted }: ApprovalOptions): 'opened' | 'checking' | 'needs_sign_in' {
  if (!isPhoneSignedIn) return 'needs_sign_in'
  return isInitiatorTrusted ? 'checking' : 'opened'
}
