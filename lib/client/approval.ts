import type { ErrorCode } from '../attempt/errors'
import type { Review } from '../attempt/views'
import type { SessionView } from '../session/session'
import { call, type Refused } from './api'
import { followAccount } from './follow-account'
import { Observable } from './observable'

/** What the phone's question shows; `state` is the `data-state` of the review. */
export type ApprovalScreen =
  | { state: 'checking' | 'needs_sign_in' | 'declined' | 'expired' | 'ended' | 'taken' | 'unknown' | 'signed_out' }
  | { state: 'review'; review: Review }
  | { state: 'submitting'; review: Review; step: 'confirm' | 'cancel' }
  /** `canSignOut`: "Wasn't you?" has not been answered yet. */
  | { state: 'approved'; canSignOut: boolean }
  | { state: 'offline' | 'error'; reference: string | null }
  /** `endsAt`: on the monotonic clock. */
  | { state: 'rate_limited'; endsAt: number }

const SCAN_REFUSED: Partial<Record<ErrorCode | 'network', ApprovalScreen>> = {
  code_unknown: { state: 'unknown' },
  bad_request: { state: 'unknown' },
  code_expired: { state: 'expired' },
  attempt_taken: { state: 'taken' },
  attempt_ended: { state: 'ended' },
  wrong_state: { state: 'ended' },
  claim_unknown: { state: 'ended' },
}

const RETRY_MS = 2_000
/**
 * While the number is due the state is asked this often even when no message comes, and no more often where messages never do: each
 * question counts against the person's limit.
 */
const ASK_EVERY_MS = 10_000

const RATE_LIMITED_MS = 60_000

/** The phone's side of a sign-in: reports the code, asks the person, answers. */
export class Approval {
  /** What to show. */
  readonly screen = new Observable<ApprovalScreen>({ state: 'checking' })
  readonly #isPhoneSignedIn: boolean
  #code = ''
  #claim: string | null = null
  #unfollow: (() => void) | null = null
  /** When the time to answer is over, on the monotonic clock. */
  #endsAt = Number.POSITIVE_INFINITY
  #retry: ReturnType<typeof setTimeout> | undefined
  /** When the state was asked last, on the monotonic clock. */
  #askedAt = Number.NEGATIVE_INFINITY
  /** The computers that were signed in before: the one that is not among them is the one just approved. */
  #before: Set<string> | null = null
  #sessions: SessionView[] = []

  constructor(isPhoneSignedIn: boolean) {
    this.#isPhoneSignedIn = isPhoneSignedIn
  }

  /** Takes the code from the page's fragment, now and when another one is opened in the same page. */
  open(): () => void {
    const read = () => this.#read(location.hash.slice(1))
    window.addEventListener('hashchange', read)
    read()
    return () => {
      window.removeEventListener('hashchange', read)
      this.#close()
    }
  }

  /** The person has signed in on this phone: the code that was waiting goes on. */
  signedIn(): void {
    this.#listen()
    void this.#scan()
  }

  async approve(): Promise<void> {
    if (this.#screen.state !== 'review' || this.#claim === null) return
    this.#show({ ...this.#screen, state: 'submitting', step: 'confirm' })
    await this.#send('confirm')
  }

  async decline(): Promise<void> {
    if (this.#screen.state !== 'review' || this.#claim === null) return
    this.#show({ ...this.#screen, state: 'submitting', step: 'cancel' })
    await this.#send('cancel')
  }

  /** "Wasn't you?": takes the yes back while that is possible, else signs the new computer out. */
  async signItOut(): Promise<void> {
    if (this.#screen.state !== 'approved' || this.#claim === null) return
    this.#show({ state: 'approved', canSignOut: false })
    const cancelled = await call('POST', '/api/qr/cancel', { body: { claim: this.#claim } })
    if (cancelled.ok) return this.#end({ state: 'declined' })
    const isNew = ({ id }: SessionView) => this.#before !== null && !this.#before.has(id)
    const signedIn = this.#sessions.find(isNew)
    const signedOut = signedIn === undefined ? null : await call('DELETE', `/api/sessions/${signedIn.id}?as=phone`)
    if (signedOut?.ok) this.#end({ state: 'signed_out' })
    else this.#show({ state: 'approved', canSignOut: true })
  }

  /** Another try after `offline` or `error`. */
  again(): void {
    void this.#scan()
  }

  #read(code: string): void {
    this.#close()
    this.#code = code
    this.#claim = null
    this.#before = null
    this.#endsAt = Number.POSITIVE_INFINITY
    if (code === '') this.#show({ state: 'unknown' })
    else if (this.#isPhoneSignedIn) this.signedIn()
    else this.#show({ state: 'needs_sign_in' })
  }

  /** Before the scan, so that nothing falls between. */
  #listen(): void {
    this.#unfollow?.()
    this.#unfollow = followAccount('phone', {
      onSessions: (sessions) => {
        this.#sessions = sessions
        this.#before ??= new Set(sessions.map(({ id }) => id))
      },
      // A hint: it may be about another attempt that this phone has scanned, so the state is asked.
      onAttempt: (review) => {
        if (this.#isNews(review)) void this.#scan()
      },
      onOpen: () => this.#refresh(),
      onSignedOut: () => this.#show({ state: 'needs_sign_in' }),
    })
  }

  /** Whether what a message says differs from what is shown. */
  #isNews({ status, match }: Omit<Review, 'claim'>): boolean {
    if (this.#screen.state !== 'review') return false
    return status !== 'scanned' || match.passed !== this.#screen.review.match.passed
  }

  /** Messages may have been missed. */
  #refresh(): void {
    const isDue = performance.now() - this.#askedAt >= ASK_EVERY_MS
    if (this.#screen.state === 'review' && isDue) void this.#scan()
  }

  /** The answer came too early: back to the question, as it is by now. */
  #askAgain(): void {
    if (this.#screen.state === 'submitting') this.#show({ state: 'review', review: this.#screen.review })
    void this.#scan()
  }

  /** Also asks again: the same phone gets the same answer, however old its code is by now. */
  async #scan(): Promise<void> {
    const code = this.#code
    if (this.#claim === null) this.#show({ state: 'checking' })
    this.#askedAt = performance.now()
    const answer = await call<Review>('POST', '/api/qr/scan', { body: { code } })
    if (code !== this.#code) return
    if (answer.ok) {
      this.#claim = answer.value.claim
      this.#onReview(answer.value)
    } else this.#onRefused(answer)
  }

  async #send(step: 'confirm' | 'cancel'): Promise<void> {
    const code = this.#code
    const answer = await call<Review>('POST', `/api/qr/${step}`, { body: { claim: this.#claim } })
    if (code !== this.#code) return
    if (answer.ok) this.#onReview(answer.value)
    else if (answer.code === 'match_required') this.#askAgain()
    // A lost answer is repeated: the same step gives the same answer.
    else if (answer.code === 'network' || answer.code === 'unavailable' || answer.code === 'rate_limited') {
      this.#retry = setTimeout(() => void this.#send(step), answer.retryAfterMs ?? RETRY_MS)
    } else this.#onRefused(answer)
  }

  #onReview(review: Review): void {
    const { status } = review
    clearTimeout(this.#retry)
    if (status === 'scanned') this.#onQuestion(review)
    else if (status === 'confirmed' || status === 'redeemed') this.#onApproved()
    else if (status === 'cancelled') this.#end({ state: 'declined' })
    else this.#end({ state: 'expired' })
  }

  #onQuestion(review: Review): void {
    // A message that was under way while the person answered.
    if (this.#screen.state === 'submitting') return
    this.#endsAt = performance.now() + review.expiresInMs
    this.#show({ state: 'review', review })
    const isDue = review.match.required && !review.match.passed
    const askInMs = Math.min(review.expiresInMs + 500, isDue ? ASK_EVERY_MS : Number.POSITIVE_INFINITY)
    this.#retry = setTimeout(() => void this.#scan(), askInMs)
  }

  /** The code is spent: it leaves the address bar, so that a reload does not ask about it. */
  #onApproved(): void {
    if (this.#screen.state === 'approved') return
    this.#forgetCode()
    this.#show({ state: 'approved', canSignOut: true })
  }

  #onRefused({ code, requestId, retryAfterMs }: Refused): void {
    const screen = SCAN_REFUSED[code]
    clearTimeout(this.#retry)
    if (code === 'unauthenticated') this.#show({ state: 'needs_sign_in' })
    else if (code === 'attempt_ended' && performance.now() >= this.#endsAt) this.#end({ state: 'expired' })
    else if (screen !== undefined) this.#end(screen)
    else if (code === 'rate_limited') this.#onRateLimited(retryAfterMs ?? RATE_LIMITED_MS)
    else if (code === 'network' || code === 'unavailable') {
      if (this.#screen.state !== 'review') this.#show({ state: 'offline', reference: null })
      this.#retry = setTimeout(() => void this.#scan(), RETRY_MS)
    } else this.#show({ state: 'error', reference: requestId })
  }

  /** A question that is being shown can still be answered; only what has changed meanwhile is learnt later. */
  #onRateLimited(waitMs: number): void {
    if (this.#screen.state !== 'review') this.#show({ state: 'rate_limited', endsAt: performance.now() + waitMs })
    this.#retry = setTimeout(() => void this.#scan(), waitMs)
  }

  #end(screen: ApprovalScreen): void {
    this.#close()
    this.#forgetCode()
    this.#show(screen)
  }

  #forgetCode(): void {
    history.replaceState(history.state, '', location.pathname)
  }

  #close(): void {
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
