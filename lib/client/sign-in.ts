import type { AttemptView, CodeView } from '../core/attempt/views'
import { call, type Refused } from './api'
import { AttemptFollower } from './follow-attempt'
import { Observable } from './observable'
import { PendingCodes } from './pending-codes'
import { redeem } from './redeem'
import type { ShownPerson, ShownTime, SignInScreen } from './sign-in-screen'
import { onStartRefused } from './start-refused'
import { Timers } from './timers'
import { whenShown } from './unprompted'
import { watchPage } from './watch-page'

/** A connection that is lost for less than this is not shown. */
const RECONNECTING_AFTER_MS = 3_000
/** An expired attempt is replaced for this long after the last sign of the person. */
const RENEW_FOR_MS = 10 * 60_000
/** A hidden page closes its stream after this. */
const HIDDEN_STREAM_MS = 60_000
/** States that may be out of date without a network. */
const NEEDS_NETWORK = new Set<SignInScreen['state']>([
  'loading',
  'ready',
  'short_code',
  'scanned',
  'match',
  'reconnecting',
])

export interface SignInOptions {
  /** The person who is already signed in on this computer; null if none is. */
  already: ShownPerson | null
  /** The request of the app that is signed in to. By default our own home page is. */
  interaction?: string | undefined
  /** Whether that request has run out, or is of another browser. */
  isRequestLost?: boolean | undefined
  /**
   * Called once, when this browser is signed in or the person continues as `already`. `next`: the
   * path at which the app's request goes on; null: none.
   */
  onSignedIn: (next: string | null) => void
}

/** The computer's side of a sign-in: starts attempts, follows them and redeems their tickets. */
export class SignIn {
  readonly #options: SignInOptions
  readonly screen: Observable<SignInScreen>
  #attempt: AttemptView | null = null
  #follower: AttemptFollower | null = null
  readonly #codes = new PendingCodes(() => this.#onCodeOverdue())
  /** Incremented with each attempt. Responses of an earlier round are ignored. */
  #round = 0
  #renewUntil = 0
  #failures = 0
  #isLinkUp = true
  /** The time to confirm; null until a phone has scanned. */
  #confirmTime: ShownTime | null = null
  /** The round whose ticket is being redeemed; 0 for none. */
  #redeeming = 0
  #isDone = false
  /** Whether the sign-in was complete when the page entered the back/forward cache. */
  #wasDoneWhenCached = false
  readonly #timers = new Timers<'link' | 'retry' | 'hidden'>()

  constructor(options: SignInOptions) {
    this.#options = options
    this.screen = new Observable<SignInScreen>(firstScreen(options))
  }

  /**
   * Listens to page events, and starts an attempt unless a person is already signed in. Returns the
   * function that stops both and cancels the attempt.
   */
  open(): () => void {
    const unwatch = watchPage({
      onHidden: () => this.#timers.set('hidden', HIDDEN_STREAM_MS, () => this.#suspend()),
      onVisible: () => this.#onVisible(),
      onOnline: () => this.#onOnline(),
      onOffline: () => this.#onOffline(),
      onCached: () => {
        this.#wasDoneWhenCached = this.#isDone
      },
      onRestored: () => this.#onRestored(),
      onLeft: () => void this.#cancel(),
    })
    // A prerendered page may never be shown, and a start counts against the browser's rate limit.
    const unwait = whenShown(() => {
      if (this.#screen.state === 'loading') this.start()
    })
    return () => {
      unwait()
      unwatch()
      void this.#cancel()
    }
  }

  /** Starts an attempt on a person's request, which also extends the time to replace it. */
  start(): void {
    this.#renewUntil = performance.now() + RENEW_FOR_MS
    this.#failures = 0
    void this.#begin()
  }

  /** "Not you?": cancels the attempt on the server, then starts another. */
  async startOver(): Promise<void> {
    const cancelled = this.#cancel()
    this.#show({ state: 'loading' })
    await cancelled
    this.start()
  }

  /** "Camera not working?": a code to type in place of the QR code, or the QR code again. */
  wantShortCode(isWanted: boolean): void {
    const { state } = this.#screen
    this.#codes.isShortWanted = isWanted
    if (state === 'ready' || state === 'short_code') this.#showCode()
  }

  continueAsSignedIn(): void {
    this.#finish(null)
  }

  /** `number`: the two digits that were typed. */
  async match(number: string): Promise<void> {
    const { state } = this.#screen
    if (this.#attempt === null || state !== 'match') return
    const round = this.#round
    this.#show({ ...this.#screen, isSending: true })
    const answer = await call<AttemptView>('POST', `/api/qr/${this.#attempt.id}/match`, { body: { number } })
    if (round !== this.#round) return
    if (answer.ok) this.#onAttempt(answer.value)
    else if (this.#screen.state !== 'match') return
    else if (answer.code === 'match_wrong') {
      this.#show({ ...this.#screen, attemptsLeft: answer.attemptsLeft ?? 1, isWrong: true, isSending: false })
    } else {
      this.#show({ ...this.#screen, isSending: false })
      this.#follower?.wake()
    }
  }

  async #begin(): Promise<void> {
    this.#stop()
    this.#round += 1
    this.#confirmTime = null
    const round = this.#round
    this.#showCode()
    const answer = await call<AttemptView>('POST', '/api/qr', { body: this.#startBody })
    if (round !== this.#round) {
      if (answer.ok) void call('DELETE', `/api/qr/${answer.value.id}`)
      return
    }
    if (!answer.ok) return this.#onStartRefused(answer)
    this.#failures = 0
    this.#isLinkUp = true
    this.#follow(answer.value, false)
    this.#onAttempt(answer.value)
  }

  #follow(attempt: AttemptView, isStale: boolean): void {
    this.#follower = new AttemptFollower(attempt, isStale, {
      onAttempt: (view) => this.#onAttempt(view),
      onCode: (code) => this.#onCode(code),
      onLink: (isUp) => this.#onLink(isUp),
      onRefused: () => this.#renew(),
    })
  }

  #onAttempt(attempt: AttemptView): void {
    const wasScanned = this.#attempt?.status === 'scanned'
    this.#attempt = attempt
    const { status, person } = attempt
    if (status !== 'pending') this.#forgetCodes()
    if (status === 'pending' && attempt.code !== undefined) this.#onCode(attempt.code)
    else if (status === 'scanned' && person !== undefined) this.#onScanned(attempt, person)
    else if (status === 'confirmed' && person !== undefined) this.#onConfirmed(attempt, person)
    else if (status === 'redeemed' && this.#redeeming !== this.#round) void this.#checkSession()
    else if (status === 'cancelled') this.#onCancelled(attempt)
    else if (status === 'expired' && wasScanned) this.#show({ state: 'scan_timeout' })
    else if (status === 'expired') this.#renew()
  }

  #onScanned({ match, expiresInMs }: AttemptView, person: ShownPerson): void {
    this.#confirmTime ??= { periodMs: expiresInMs, endsAt: performance.now() + expiresInMs }
    const time = this.#confirmTime
    if (match?.required !== true || match.passed) {
      this.#show({ state: 'scanned', person, time })
      return
    }
    const { attemptsLeft } = match
    const isWrong = attemptsLeft === 1
    const isSending = this.#screen.state === 'match' && this.#screen.isSending && !isWrong
    this.#show({ state: 'match', person, time, attemptsLeft, isWrong, isSending })
  }

  #onConfirmed(attempt: AttemptView, person: ShownPerson): void {
    this.#show({ state: 'confirmed', person })
    if (attempt.ticket !== undefined && this.#redeeming !== this.#round) void this.#redeem(attempt.id, attempt.ticket)
  }

  async #redeem(id: string, ticket: string): Promise<void> {
    const round = this.#round
    const isWanted = () => round === this.#round && !this.#isDone
    this.#redeeming = round
    const redeemed = await redeem(id, ticket, isWanted)
    if (!isWanted()) return
    this.#redeeming = 0
    if (redeemed !== null) this.#finish(redeemed.next)
    else await this.#checkSession()
  }

  /**
   * The response of the redeem may be lost: the session cookie shows whether it arrived. For an app
   * it shows nothing, because the browser may have been signed in before.
   */
  async #checkSession(): Promise<void> {
    if (this.#options.interaction !== undefined) return this.#renew()
    const round = this.#round
    const answer = await call<{ signedIn: boolean }>('GET', '/api/session')
    if (round !== this.#round) return
    if (answer.ok && answer.value.signedIn) this.#finish(null)
    else this.#renew()
  }

  #onCancelled({ cancelledBy }: AttemptView): void {
    if (cancelledBy === 'phone') this.#show({ state: 'denied' })
    else if (cancelledBy === 'match') this.#show({ state: 'mismatch' })
    else this.#renew()
  }

  #onCode(code: CodeView): void {
    this.#codes.set(code)
    this.#showCode()
  }

  /** Shows the code of a pending attempt, in the form that the person wants. */
  #showCode(): void {
    this.#show(this.#codes.screen)
    if (this.#codes.isShortMissing && this.#attempt !== null) void this.#requestShortCode(this.#attempt.id)
  }

  async #requestShortCode(id: string): Promise<void> {
    const answer = await this.#codes.requestShort(id)
    if (answer === null || this.#screen.state !== 'short_code') return
    // Not pending any more: the follower receives its state.
    if (!answer.ok && (answer.code === 'wrong_state' || answer.code === 'attempt_ended')) return
    this.#failures = answer.ok ? 0 : this.#failures + 1
    if (answer.ok) return this.#showCode()
    const { screen, retryMs } = onStartRefused(answer, this.#failures)
    this.#show(screen)
    if (retryMs !== null) this.#timers.set('retry', retryMs, () => this.#showCode())
  }

  #onCodeOverdue(): void {
    if (this.#screen.state === 'ready' || this.#screen.state === 'short_code') this.#showCode()
    if (this.#screen.state === 'reconnecting') this.#show({ ...this.#screen, code: this.#codes.shown })
    this.#follower?.wake()
  }

  /** Nothing more may show a code of this attempt. */
  #forgetCodes(): void {
    this.#timers.clear('retry')
    this.#codes.clear()
  }

  #onLink(isUp: boolean): void {
    if (isUp === this.#isLinkUp) return
    this.#isLinkUp = isUp
    if (isUp) {
      this.#timers.clear('link')
      if (this.#screen.state === 'reconnecting' || this.#screen.state === 'offline') this.#restore()
    } else {
      this.#timers.set('link', RECONNECTING_AFTER_MS, () => {
        const person = this.#attempt?.person ?? null
        this.#show(navigator.onLine ? { state: 'reconnecting', code: this.#codes.shown, person } : { state: 'offline' })
      })
    }
  }

  /** Back to the state from before the connection was lost. A code keeps its countdown. */
  #restore(): void {
    if (this.#attempt !== null && this.#attempt.status !== 'pending') this.#onAttempt(this.#attempt)
    else this.#showCode()
  }

  #onOffline(): void {
    if (NEEDS_NETWORK.has(this.#screen.state)) this.#show({ state: 'offline' })
  }

  /** The stream may have survived the offline time, and then reports no change. */
  #onOnline(): void {
    if (this.#screen.state === 'offline' && this.#isLinkUp) this.#restore()
    this.#wake()
  }

  /** Replaces an attempt that has expired or no longer exists. */
  #renew(): void {
    this.#stop()
    this.#attempt = null
    const isVisible = document.visibilityState === 'visible'
    if (isVisible && performance.now() < this.#renewUntil) void this.#begin()
    else this.#show({ state: 'paused' })
  }

  #onStartRefused(refused: Refused): void {
    this.#failures += 1
    const { screen, retryMs } = onStartRefused(refused, this.#failures)
    this.#show(screen)
    if (retryMs !== null) this.#timers.set('retry', retryMs, () => void this.#begin())
  }

  #onVisible(): void {
    this.#timers.clear('hidden')
    this.#renewUntil = performance.now() + RENEW_FOR_MS
    if (this.#screen.state === 'paused') this.start()
    else if (!this.#codes.check()) this.#wake()
  }

  /**
   * A page that entered the cache after its sign-in is out of date. If the sign-in completed later,
   * the page is already navigating, and a reload would stop that.
   */
  #onRestored(): void {
    if (this.#wasDoneWhenCached) location.reload()
    else if (!this.#isDone) this.#wake()
  }

  #wake(): void {
    if (this.#timers.has('retry') && this.#screen.state !== 'rate_limited') void this.#begin()
    else if (this.#follower !== null) this.#follower.wake()
    else if (this.#attempt !== null && this.#attempt.expiresInMs > 0) this.#follow(this.#attempt, true)
  }

  /** Closes the stream. `#wake` follows again, and requests the state first. */
  #suspend(): void {
    this.#follower?.stop()
    this.#follower = null
    this.#codes.pause()
    if (this.#screen.state === 'ready') this.#show({ state: 'loading' })
  }

  #finish(next: string | null): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#stop()
    this.#options.onSignedIn(next)
  }

  async #cancel(): Promise<void> {
    const attempt = this.#attempt
    this.#stop()
    this.#round += 1
    this.#attempt = null
    if (attempt === null || attempt.expiresInMs === 0 || attempt.status === 'confirmed') return
    await call('DELETE', `/api/qr/${attempt.id}`, { keepalive: true })
  }

  /** Stops the follower and all timers. */
  #stop(): void {
    this.#follower?.stop()
    this.#follower = null
    this.#timers.clearAll()
    this.#codes.clear()
  }

  get #startBody(): { interaction?: string } {
    const { interaction } = this.#options
    return interaction === undefined ? {} : { interaction }
  }

  get #screen(): SignInScreen {
    return this.screen.get()
  }

  #show(screen: SignInScreen): void {
    this.screen.set(screen)
  }
}

/** The state that the server renders too. An app may ask for a new sign-in. */
function firstScreen({ already, interaction, isRequestLost = false }: SignInOptions): SignInScreen {
  if (isRequestLost) return { state: 'lost_request' }
  return already === null || interaction !== undefined ? { state: 'loading' } : { state: 'already', person: already }
}
