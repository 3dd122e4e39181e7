import type { PasskeyAssertion } from '../core/account/passkey'
import type { Review } from '../core/attempt/views'
import type { Refused } from './api'
import { type ApprovalBrowser, currentBrowser } from './approval-browser'
import { ApprovalCode } from './approval-code'
import { ApprovalLock } from './approval-lock'
import { type ApprovalOptions, firstState, isChange, toTrouble, toTypedProblem } from './approval-rules'
import {
  type ApprovalScreen,
  type ApprovalStep,
  ENDINGS,
  type Ending,
  findEnding,
  type TypedCodeProblem,
} from './approval-screen'
import { holdCode, retryDelayMs, scanCode, undoSignIn } from './code-requests'
import { Observable } from './observable'

/**
 * While the match number is due, the state is requested at this interval, in case account events
 * are lost. Not more often, because each request counts against the person's rate limit.
 */
const REFRESH_EVERY_MS = 10_000

/**
 * The phone's side of a sign-in: scans the code, shows the review, sends the person's answer. Sends
 * nothing for a code that a foreign page may have opened, until the person taps "Continue".
 */
export class Approval {
  readonly screen: Observable<ApprovalScreen>
  readonly #options: ApprovalOptions
  readonly #browser: ApprovalBrowser
  readonly #lock: ApprovalLock
  #isPhoneSignedIn: boolean
  readonly #code: ApprovalCode
  #claim: string | null = null
  /** Incremented with each code and each step of the person. Older responses are ignored. */
  #round = 0
  #unfollow: (() => void) | null = null
  #holding: Promise<void> = Promise.resolve()
  #retry: ReturnType<typeof setTimeout> | undefined
  /** When the state was last requested, on the monotonic clock. */
  #scannedAt = Number.NEGATIVE_INFINITY

  constructor(options: ApprovalOptions, browser: ApprovalBrowser = currentBrowser) {
    this.#options = options
    this.#browser = browser
    this.#lock = new ApprovalLock(browser)
    this.#code = new ApprovalCode(browser)
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

  /** Resolves when this browser holds the code, or cannot: before it leaves for a provider. */
  async untilHeld(): Promise<void> {
    await this.#holding
  }

  /** "Continue" in the state `opened`: allows the scan. */
  allowScan(): void {
    if (this.#screen.state !== 'opened') return
    this.#code.allow()
    this.#proceed()
  }

  /** The person has typed a short code. It is kept during a sign-in, like the code of a link. */
  typeCode(typed: string): void {
    if (this.#screen.state !== 'type_code') return
    if (this.#code.type(typed)) this.#proceed()
    else this.#show({ state: 'type_code', typed, problem: { reason: 'malformed' } })
  }

  /** With a passkey, where the review requires one: the browser asks for the phone's lock. */
  async approve(): Promise<void> {
    const screen = this.#screen
    if (screen.state !== 'review' || screen.lock === 'must_add' || screen.lock === 'unable') return
    const round = this.#begin('confirm')
    const passkey = await this.#lock.sign(screen)
    if (round !== this.#round) return
    if (passkey === null) this.#returnToReview()
    else await this.#send('confirm', passkey)
  }

  async decline(): Promise<void> {
    if (this.#begin('cancel') !== null) await this.#send('cancel')
  }

  /** The code is scanned again in any case: with a passkey the review has a challenge. */
  async addPasskey(): Promise<void> {
    const round = this.#begin('add_passkey')
    if (round === null) return
    await this.#lock.add()
    if (round === this.#round) await this.#scan()
  }

  /**
   * "Wasn't you?": cancels the confirmed attempt, or signs out the computer if it is already signed
   * in. The request is repeated until it has a response.
   */
  async signOut(): Promise<void> {
    if (this.#screen.state !== 'approved' || this.#screen.signOut !== 'offered') return
    this.#show({ ...this.#screen, signOut: 'sending' })
    await this.#sendSignOut()
  }

  /** Another try in the state `offline` or `error`. */
  retry(): void {
    this.#proceed()
  }

  #readCode(mayAct: boolean): void {
    this.#close()
    this.#claim = null
    this.#code.read(mayAct)
    this.#proceed()
  }

  #proceed(): void {
    if (this.#code.text === '') this.#show({ state: 'type_code', typed: '', problem: null })
    else if (!this.#isPhoneSignedIn) this.#requestSignIn()
    else if (!this.#code.mayScan) this.#show({ state: 'opened' })
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
      onAttempt: (review) => void (isChange(this.#screen, review) && this.#scan()),
      // After a reconnect: events may have been missed.
      onOpen: () => {
        const isDue = performance.now() - this.#scannedAt >= REFRESH_EVERY_MS
        if (this.#screen.state === 'review' && isDue) void this.#scan()
      },
      onSignedOut: () => this.#onPhoneSignedOut(),
    })
  }

  /** Also used to refresh: the same phone gets the current state, even if its code has expired. */
  async #scan(): Promise<void> {
    const round = this.#round
    if (this.#claim === null) this.#show({ state: 'checking' })
    this.#scannedAt = performance.now()
    const answer = await scanCode(this.#browser.call, this.#code.text)
    if (round !== this.#round) return
    if (answer.ok) {
      this.#claim = answer.value.claim
      this.#onReview(answer.value)
    } else this.#onRefused(answer)
  }

  #requestSignIn(): void {
    this.#show({ state: 'needs_sign_in' })
    // A short code lives as long as its attempt.
    if (!this.#code.isShort) this.#holding = this.#holdCode()
  }

  /** The code stays good while the person signs in. One that is bad already needs no sign-in. */
  async #holdCode(): Promise<void> {
    const round = this.#round
    const answer = await holdCode(this.#browser.call, this.#code.text)
    if (answer.ok || round !== this.#round || this.#screen.state !== 'needs_sign_in') return
    const [ending, retryMs] = [findEnding(answer), retryDelayMs(answer)]
    if (ending !== null) this.#end(ending)
    else if (retryMs !== null) this.#schedule(retryMs, () => void this.#holdCode())
  }

  /** Returns the round of the step; null without a review. */
  #begin(step: ApprovalStep): number | null {
    if (this.#screen.state !== 'review') return null
    clearTimeout(this.#retry)
    this.#lock.forgetProblem()
    this.#show({ ...this.#screen, state: 'submitting', step, problem: null })
    // The response of a running scan has the state from before this step.
    this.#round += 1
    return this.#round
  }

  async #send(step: 'confirm' | 'cancel', passkey?: PasskeyAssertion): Promise<void> {
    const round = this.#round
    const body = { claim: this.#claim, ...(passkey === undefined ? {} : { passkey }) }
    const answer = await this.#browser.call<Review>('POST', `/api/qr/${step}`, { body })
    if (round !== this.#round) return
    const retryMs = answer.ok ? null : retryDelayMs(answer)
    if (answer.ok) this.#onReview(answer.value)
    // The number has to be typed first.
    else if (answer.code === 'match_required') this.#returnToReview()
    // The buttons wait for the next review: the challenge of this one may have been used.
    else if (this.#lock.isRefusal(answer.code)) void this.#scan()
    // Safe after a lost response: the same step gets the same response.
    else if (retryMs !== null) this.#schedule(retryMs, () => void this.#send(step, passkey))
    else this.#onRefused(answer)
  }

  /** The review can be answered at once, and its current state is requested. */
  #returnToReview(): void {
    if (this.#screen.state === 'submitting')
      this.#show({ state: 'review', ...this.#lock.screenOf(this.#screen.review) })
    void this.#scan()
  }

  async #sendSignOut(): Promise<void> {
    const round = this.#round
    const { review, retryMs } = await undoSignIn(this.#browser.call, this.#claim)
    if (round !== this.#round) return
    if (review !== null) this.#onReview(review)
    else if (retryMs === null) this.#end('sign_out_failed')
    else {
      if (this.#screen.state === 'approved') this.#show({ ...this.#screen, signOut: 'waiting' })
      this.#schedule(retryMs, () => void this.#sendSignOut())
    }
  }

  #onReview(review: Review): void {
    clearTimeout(this.#retry)
    const { status, cancelledBy = 'phone' } = review
    if (status === 'pending' || status === 'scanned') this.#onUndecided(review)
    else if (status === 'confirmed' || status === 'redeemed') this.#onApproved(review)
    else this.#end(ENDINGS[status === 'cancelled' ? cancelledBy : status])
  }

  #onUndecided(review: Review): void {
    this.#show({ state: 'review', ...this.#lock.screenOf(review) })
    const isDue = review.match.required && !review.match.passed
    const refreshMs = Math.min(review.expiresInMs + 500, isDue ? REFRESH_EVERY_MS : Number.POSITIVE_INFINITY)
    this.#schedule(refreshMs, () => void this.#scan())
  }

  /** Removes the used code from the address, so that a reload does not scan it again. */
  #onApproved({ app, userCode }: Review): void {
    this.#close()
    this.#browser.writeHash('')
    this.#show({ state: 'approved', signOut: 'offered', app: app?.name ?? null, isDevice: userCode !== undefined })
  }

  #onRefused(refused: Refused): void {
    clearTimeout(this.#retry)
    const ending = findEnding(refused)
    const typedProblem = this.#code.isShort && this.#claim === null ? toTypedProblem(refused) : null
    if (refused.code === 'unauthenticated') this.#onPhoneSignedOut()
    else if (typedProblem !== null) this.#typeAgain(typedProblem)
    else if (ending !== null) this.#end(ending)
    else {
      const { screen, retryMs } = toTrouble(refused)
      // A visible review stays: it can still be answered, and is only refreshed later.
      if (retryMs === null || this.#screen.state !== 'review') this.#show(screen)
      if (retryMs !== null) this.#schedule(retryMs, () => void this.#scan())
    }
  }

  /** A claim belongs to one phone session: after another sign-in the code is scanned again. */
  #onPhoneSignedOut(): void {
    this.#close()
    this.#isPhoneSignedIn = false
    const isScanned = this.#claim !== null
    this.#claim = null
    // A code that this phone has scanned cannot be held.
    if (isScanned) this.#show({ state: 'needs_sign_in' })
    else this.#requestSignIn()
  }

  #typeAgain(problem: TypedCodeProblem): void {
    const typed = this.#code.text
    this.#close()
    this.#code.forget()
    this.#show({ state: 'type_code', typed, problem })
  }

  #end(state: Ending): void {
    this.#close()
    this.#browser.writeHash('')
    this.#show({ state })
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
    this.#lock.forgetProblem()
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
