import type { Review } from '../core/attempt/views'
import type { ErrorCode } from '../core/errors'
import { type Answer, call, type Refused } from './api'
import { type ApprovalScreen, CANCELLED, type Ending } from './approval-screen'
import { parseCodeFragment, toHash } from './code-fragment'
import { followAccount } from './follow-account'
import { Observable } from './observable'
import { mayActUnprompted } from './unprompted'

/** `attempt_ended` is not among them: it says what ended the attempt. */
const REFUSED: Partial<Record<ErrorCode | 'network', Ending>> = {
  code_unknown: 'unknown',
  bad_request: 'unknown',
  code_expired: 'expired',
  claim_unknown: 'expired',
  attempt_taken: 'taken',
  wrong_state: 'ended',
}

const OVER: Record<'expired' | 'revoked', Ending> = { expired: 'expired', revoked: 'signed_out' }

/** Refusals that are over by themselves: the request is sent again. */
const REPEATED = new Set<Refused['code']>(['network', 'unavailable', 'rate_limited', 'too_soon'])

const RETRY_MS = 2_000
/**
 * While the number is due the state is requested this often even when no message comes, and no more
 * often where messages never do: each request counts against the person's limit.
 */
const ASK_EVERY_MS = 10_000

const RATE_LIMITED_MS = 60_000

export interface ApprovalOptions {
  isPhoneSignedIn: boolean
  /** Whether no foreign page can have led to this document, as the server sees it. */
  isInitiatorTrusted: boolean
}

/** The parts of a browser that the approval needs; tests bring their own. */
export interface ApprovalBrowser {
  call: typeof call
  followAccount: typeof followAccount
  mayActUnprompted: typeof mayActUnprompted
  readHash: () => string
  /** Replaces the fragment of the address; the page gets no event. */
  writeHash: (hash: string) => void
  /** Returns what undoes it. */
  onHashChange: (listener: () => void) => () => void
}

const thisBrowser: ApprovalBrowser = {
  call,
  followAccount,
  mayActUnprompted,
  readHash: () => location.hash,
  writeHash: (hash) => history.replaceState(history.state, '', location.pathname + hash),
  onHashChange: (listener) => {
    window.addEventListener('hashchange', listener)
    return () => window.removeEventListener('hashchange', listener)
  },
}

/**
 * The phone's side of a sign-in: reports the code, asks the person, answers. Sends nothing for a
 * code that a foreign page may have put here, until the person taps "Continue".
 */
export class Approval {
  /** What to show. */
  readonly screen: Observable<ApprovalScreen>
  readonly #options: ApprovalOptions
  readonly #browser: ApprovalBrowser
  #isPhoneSignedIn: boolean
  #code = ''
  /** Whether this code may be reported: the document is trusted, or the person tapped. */
  #mayScan = false
  #claim: string | null = null
  /**
   * Tells an answer that comes too late from one that counts: grows with each code, and each step
   * of the person.
   */
  #round = 0
  #unfollow: (() => void) | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  /** When the state was requested last, on the monotonic clock. */
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: ApprovalOptions, browser: ApprovalBrowser = thisBrowser) {
    this.#options = options
    this.#browser = browser
    this.#isPhoneSignedIn = options.isPhoneSignedIn
    // In the server's HTML too, where no code is known.
    this.screen = new Observable<ApprovalScreen>({ state: firstState(options) })
  }

  /** Takes the code from the page's fragment, now and when it changes. Returns what undoes it. */
  open(): () => void {
    const { mayActUnprompted: mayAct, onHashChange } = this.#browser
    // A foreign page with a handle to this window can change the fragment, and no request tells of
    // it.
    const unlisten = onHashChange(() => this.#take(false))
    this.#take(mayAct(this.#options.isInitiatorTrusted))
    return () => {
      unlisten()
      this.#close()
    }
  }

  /** The person has signed in on this phone. That is no consent to a code that waits for a tap. */
  signedIn(): void {
    this.#isPhoneSignedIn = true
    this.#proceed()
  }

  /** The person goes on with a code that waits for a tap. */
  goOn(): void {
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
   * "Wasn't you?": takes the yes back, or signs out the computer that it has let in. Repeated until
   * it is answered.
   */
  async signItOut(): Promise<void> {
    if (this.#screen.state !== 'approved' || this.#screen.signOut !== 'offered') return
    this.#show({ state: 'approved', signOut: 'sending' })
    await this.#sendSignOut()
  }

  /** Another try after `offline` or `error`. */
  again(): void {
    this.#proceed()
  }

  #take(mayAct: boolean): void {
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
      this.#listen()
      void this.#scan()
    }
  }

  /** Before the scan, so that nothing falls between. */
  #listen(): void {
    this.#unfollow?.()
    this.#unfollow = this.#browser.followAccount('phone', {
      // A hint: it may be about another attempt that this phone has scanned, so the state is
      // requested.
      onAttempt: (review) => {
        if (this.#isNews(review)) void this.#scan()
      },
      onOpen: () => this.#refresh(),
      onSignedOut: () => this.#onPhoneSignedOut(),
    })
  }

  /** Whether a message differs from what is shown. */
  #isNews({ status, match }: Omit<Review, 'claim'>): boolean {
    if (this.#screen.state !== 'review') return false
    return status !== 'scanned' || match.passed !== this.#screen.review.match.passed
  }

  /** Messages may have been missed. */
  #refresh(): void {
    const isDue = performance.now() - this.#askedAt >= ASK_EVERY_MS
    if (this.#screen.state === 'review' && isDue) void this.#scan()
  }

  /** The number has to be typed first: back to the question, as it is by now. */
  #askAgain(): void {
    if (this.#screen.state === 'submitting') this.#show({ state: 'review', review: this.#screen.review })
    void this.#scan()
  }

  /**
   * Also requests the state again: the same phone gets the same answer, however old its code is by
   * now.
   */
  async #scan(): Promise<void> {
    const round = this.#round
    if (this.#claim === null) this.#show({ state: 'checking' })
    this.#askedAt = performance.now()
    let answer = await this.#report({ code: this.#code })
    // It may have expired while the person signed in. Only the code of this page: another page may
    // have held another one since.
    if (!answer.ok && answer.code === 'code_expired' && round === this.#round && (await this.#hold()).ok) {
      answer = await this.#report({ held: true })
    }
    if (round !== this.#round) return
    if (answer.ok) {
      this.#claim = answer.value.claim
      this.#onReview(answer.value)
    } else this.#onRefused(answer)
  }

  #report(body: { code: string } | { held: true }): Promise<Answer<Review>> {
    return this.#browser.call<Review>('POST', '/api/qr/scan', { body })
  }

  #hold(): Promise<Answer<null>> {
    return this.#browser.call<null>('POST', '/api/qr/hold', { body: { code: this.#code } })
  }

  /** The code stays good while the person signs in. One that is bad already needs no sign-in. */
  async #holdCode(): Promise<void> {
    const round = this.#round
    const answer = await this.#hold()
    if (answer.ok || round !== this.#round || this.#screen.state !== 'needs_sign_in') return
    const ending = REFUSED[answer.code]
    if (ending !== undefined) this.#end(ending)
    else if (REPEATED.has(answer.code)) this.#later(answer.retryAfterMs ?? RETRY_MS, () => void this.#holdCode())
  }

  async #submit(step: 'confirm' | 'cancel'): Promise<void> {
    if (this.#screen.state !== 'review') return
    clearTimeout(this.#retry)
    // A scan that is under way tells how it was before the person answered.
    this.#round += 1
    this.#show({ ...this.#screen, state: 'submitting', step })
    await this.#send(step)
  }

  async #send(step: 'confirm' | 'cancel'): Promise<void> {
    const round = this.#round
    const answer = await this.#browser.call<Review>('POST', `/api/qr/${step}`, { body: { claim: this.#claim } })
    if (round !== this.#round) return
    if (answer.ok) this.#onReview(answer.value)
    else if (answer.code === 'match_required') this.#askAgain()
    // A lost answer is repeated: the same step gives the same answer.
    else if (REPEATED.has(answer.code)) this.#later(answer.retryAfterMs ?? RETRY_MS, () => void this.#send(step))
    else this.#onRefused(answer)
  }

  async #sendSignOut(): Promise<void> {
    const round = this.#round
    const options = { body: { claim: this.#claim }, keepalive: true }
    const answer = await this.#browser.call<Review>('POST', '/api/qr/cancel', options)
    if (round !== this.#round) return
    if (answer.ok && (answer.value.status === 'cancelled' || answer.value.status === 'revoked')) {
      this.#onReview(answer.value)
    } else if (!answer.ok && REPEATED.has(answer.code)) {
      this.#show({ state: 'approved', signOut: 'waiting' })
      this.#later(answer.retryAfterMs ?? RETRY_MS, () => void this.#sendSignOut())
    } else this.#end('sign_out_failed')
  }

  #onReview(review: Review): void {
    clearTimeout(this.#retry)
    const { status, cancelledBy = 'phone' } = review
    if (status === 'pending' || status === 'scanned') this.#onQuestion(review)
    else if (status === 'confirmed' || status === 'redeemed') this.#onApproved()
    else this.#end(status === 'cancelled' ? CANCELLED[cancelledBy] : OVER[status])
  }

  #onQuestion(review: Review): void {
    this.#show({ state: 'review', review })
    const isDue = review.match.required && !review.match.passed
    const askInMs = Math.min(review.expiresInMs + 500, isDue ? ASK_EVERY_MS : Number.POSITIVE_INFINITY)
    this.#later(askInMs, () => void this.#scan())
  }

  /** The code is spent: it leaves the address bar, so that a reload does not report it again. */
  #onApproved(): void {
    this.#close()
    this.#browser.writeHash('')
    this.#show({ state: 'approved', signOut: 'offered' })
  }

  #onRefused({ code, requestId, retryAfterMs, cancelledBy }: Refused): void {
    clearTimeout(this.#retry)
    const ending = REFUSED[code]
    if (code === 'unauthenticated') this.#onPhoneSignedOut()
    // Without a name it ended for another reason than a cancellation, or before this phone scanned
    // it.
    else if (code === 'attempt_ended') this.#end(cancelledBy === undefined ? 'expired' : CANCELLED[cancelledBy])
    else if (ending !== undefined) this.#end(ending)
    else if (code === 'rate_limited') this.#onRateLimited(retryAfterMs ?? RATE_LIMITED_MS)
    else if (code === 'network' || code === 'unavailable') {
      if (this.#screen.state !== 'review') this.#show({ state: 'offline', reference: null })
      this.#later(RETRY_MS, () => void this.#scan())
    } else this.#show({ state: 'error', reference: requestId })
  }

  /**
   * A question that is being shown can still be answered; only what has changed meanwhile is learnt
   * later.
   */
  #onRateLimited(waitMs: number): void {
    if (this.#screen.state !== 'review') this.#show({ state: 'rate_limited', endsAt: performance.now() + waitMs })
    this.#later(waitMs, () => void this.#scan())
  }

  /** A claim is the session's that scanned: after another sign-in the code is reported anew. */
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

  #later(ms: number, run: () => void): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(run, ms)
  }

  /** Sends and hears nothing more, and takes no answer. */
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
