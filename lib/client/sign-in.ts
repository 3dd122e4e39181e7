import type { AttemptView, CodeView } from '../attempt/views'
import { call, type Refused } from './api'
import { backoffMs } from './backoff'
import { AttemptFollower, type AttemptListener } from './follow-attempt'

export interface ShownPerson {
  name: string
  avatarUrl: string | null
}

/** What the panel of the login page shows; `state` is its `data-state`. */
export type SignInScreen =
  | { state: 'loading' }
  | { state: 'ready'; code: ShownCode }
  | { state: 'scanned'; person: ShownPerson }
  | { state: 'match'; person: ShownPerson; attemptsLeft: number; isWrong: boolean; isSending: boolean }
  | { state: 'confirmed'; person: ShownPerson }
  | { state: 'denied' | 'mismatch' | 'scan_timeout' | 'paused' | 'offline' | 'unavailable' }
  | { state: 'reconnecting'; code: ShownCode | null; person: ShownPerson | null }
  | { state: 'rate_limited'; waitMs: number; endsAt: number }
  | { state: 'error'; reference: string | null }
  | { state: 'already'; person: ShownPerson }

/** `endsAt`: when the next code is due, on the monotonic clock (`performance.now()`). */
export interface ShownCode {
  url: string
  periodMs: number
  endsAt: number
}

/** A lost link is not worth a word before this. */
const RECONNECTING_AFTER_MS = 3_000
/** An attempt that nobody scans is replaced for this long; then the person has left. */
const RENEW_FOR_MS = 10 * 60_000
/** A hidden page gives its stream back after this. */
const HIDDEN_STREAM_MS = 60_000
/** The next code may be this late before the old one is taken down. It is good for one more period. */
const CODE_GRACE_MS = 2_000

export interface SignInOptions {
  /** The person who is signed in here already; null when nobody is. */
  already: ShownPerson | null
  /** Called once, when this browser is signed in. */
  onSignedIn: () => void
}

/** The computer's side of a sign-in: makes attempts, follows them, redeems; tells the page what to show. */
export class SignIn {
  readonly #options: SignInOptions
  readonly #listeners = new Set<() => void>()
  #screen: SignInScreen
  #attempt: AttemptView | null = null
  #follower: AttemptFollower | null = null
  #code: ShownCode | null = null
  /** Where an answer that comes too late is told from one that counts: grows with each new attempt. */
  #round = 0
  #renewUntil = 0
  #failures = 0
  #isLinkUp = true
  #isRedeeming = false
  #isDone = false
  readonly #timers = new Map<'link' | 'code' | 'retry' | 'hidden', ReturnType<typeof setTimeout>>()
  #hiddenSince: number | null = null

  constructor(options: SignInOptions) {
    this.#options = options
    this.#screen = options.already === null ? { state: 'loading' } : { state: 'already', person: options.already }
  }

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly screen = (): SignInScreen => this.#screen

  /** Begins to watch the page, and starts an attempt unless somebody is signed in already. Returns what undoes it. */
  open(): () => void {
    const onVisible = () => this.#onVisibility(document.visibilityState === 'visible')
    const onOnline = () => this.#wake()
    const onOffline = () => this.#onOffline()
    const onPageShow = (event: PageTransitionEvent) => event.persisted && this.#onRestored()
    // A page that may come back (back/forward cache) keeps its attempt.
    const onPageHide = (event: PageTransitionEvent) => !event.persisted && this.#cancel()
    document.addEventListener('visibilitychange', onVisible)
    window.addEventListener('online', onOnline)
    window.addEventListener('offline', onOffline)
    window.addEventListener('pageshow', onPageShow)
    window.addEventListener('pagehide', onPageHide)
    if (this.#screen.state === 'loading') this.start()
    return () => {
      document.removeEventListener('visibilitychange', onVisible)
      window.removeEventListener('online', onOnline)
      window.removeEventListener('offline', onOffline)
      window.removeEventListener('pageshow', onPageShow)
      window.removeEventListener('pagehide', onPageHide)
      this.#leave()
    }
  }

  /** A new code because a person asked for one. */
  start(): void {
    this.#renewUntil = performance.now() + RENEW_FOR_MS
    this.#failures = 0
    void this.#begin()
  }

  /** "Not you?": ends the attempt on the server before a new code is made. */
  async startOver(): Promise<void> {
    const cancelled = this.#cancel()
    this.#show({ state: 'loading' })
    await cancelled
    this.start()
  }

  continueAsSignedIn(): void {
    this.#finish()
  }

  /** The number that was typed: two digits. */
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
    this.#leave()
    this.#round += 1
    const round = this.#round
    this.#show({ state: 'loading' })
    const answer = await call<AttemptView>('POST', '/api/qr', { body: {} })
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
    const round = this.#round
    const current =
      <T>(handle: (value: T) => void) =>
      (value: T) => {
        if (round === this.#round) handle(value)
      }
    const listener: AttemptListener = {
      onAttempt: current((view: AttemptView) => this.#onAttempt(view)),
      onCode: current((code: CodeView) => this.#onCode(code)),
      onLink: current((isUp: boolean) => this.#onLink(isUp)),
      onRefused: current(() => this.#renew()),
    }
    this.#follower = new AttemptFollower(attempt, isStale, listener)
  }

  #onAttempt(attempt: AttemptView): void {
    const wasScanned = this.#attempt?.status === 'scanned'
    this.#attempt = attempt
    const { status, person } = attempt
    if (status !== 'pending') this.#forgetCode()
    if (status === 'pending' && attempt.code !== undefined) this.#onCode(attempt.code)
    else if (status === 'scanned' && person !== undefined) this.#onScanned(attempt, person)
    else if (status === 'confirmed' && person !== undefined) this.#onConfirmed(attempt, person)
    else if (status === 'redeemed' && !this.#isRedeeming) void this.#checkSession()
    else if (status === 'cancelled') this.#onCancelled(attempt)
    else if (status === 'expired' && wasScanned) this.#show({ state: 'scan_timeout' })
    else if (status === 'expired') this.#renew()
  }

  #onScanned({ match }: AttemptView, person: ShownPerson): void {
    if (match?.required !== true || match.passed) {
      this.#show({ state: 'scanned', person })
      return
    }
    const { attemptsLeft } = match
    const isWrong = attemptsLeft === 1
    const isSending = this.#screen.state === 'match' && this.#screen.isSending && !isWrong
    this.#show({ state: 'match', person, attemptsLeft, isWrong, isSending })
  }

  #onConfirmed(attempt: AttemptView, person: ShownPerson): void {
    this.#show({ state: 'confirmed', person })
    if (attempt.ticket !== undefined && !this.#isRedeeming) void this.#redeem(attempt.id, attempt.ticket)
  }

  /** Tries until the server has answered: a lost answer is repeated, and gives the same session. */
  async #redeem(id: string, ticket: string): Promise<void> {
    this.#isRedeeming = true
    const round = this.#round
    for (let failures = 0; round === this.#round && !this.#isDone; failures += 1) {
      const answer = await call('POST', `/api/qr/${id}/redeem`, { body: { ticket }, timeoutMs: 3_000 })
      if (round !== this.#round) break
      if (answer.ok) this.#finish()
      else if (answer.code === 'network' || answer.code === 'unavailable' || answer.code === 'internal') {
        await new Promise((resolve) => setTimeout(resolve, Math.min(2_000, backoffMs(failures, Math.random()))))
      } else {
        await this.#checkSession()
        break
      }
    }
    this.#isRedeeming = false
  }

  /** Redeemed without our hearing the answer: the session's cookie tells whether it reached this browser. */
  async #checkSession(): Promise<void> {
    const round = this.#round
    const answer = await call<{ signedIn: boolean }>('GET', '/api/session')
    if (round !== this.#round) return
    if (answer.ok && answer.value.signedIn) this.#finish()
    else this.#renew()
  }

  #onCancelled({ cancelledBy }: AttemptView): void {
    if (cancelledBy === 'phone') this.#show({ state: 'denied' })
    else if (cancelledBy === 'match') this.#show({ state: 'mismatch' })
    else this.#renew()
  }

  #onCode({ url, expiresInMs }: CodeView): void {
    const periodMs = this.#code === null ? expiresInMs : Math.max(expiresInMs, this.#code.periodMs)
    this.#code = { url, periodMs, endsAt: performance.now() + expiresInMs }
    this.#after('code', expiresInMs + CODE_GRACE_MS, () => this.#onCodeOverdue())
    this.#show({ state: 'ready', code: this.#code })
  }

  /** A dead code is never shown: without its successor it is taken down while we ask. */
  #onCodeOverdue(): void {
    this.#forgetCode()
    if (this.#screen.state === 'ready') this.#show({ state: 'loading' })
    if (this.#screen.state === 'reconnecting') this.#show({ ...this.#screen, code: null })
    this.#follower?.wake()
  }

  #forgetCode(): void {
    this.#code = null
    this.#clear('code')
  }

  #onLink(isUp: boolean): void {
    if (isUp === this.#isLinkUp) return
    this.#isLinkUp = isUp
    if (isUp) {
      this.#clear('link')
      if (this.#screen.state === 'reconnecting' || this.#screen.state === 'offline') this.#restore()
    } else {
      this.#after('link', RECONNECTING_AFTER_MS, () => {
        const person = this.#attempt?.person ?? null
        this.#show(navigator.onLine ? { state: 'reconnecting', code: this.#code, person } : { state: 'offline' })
      })
    }
  }

  /** Back to what was shown before the link was lost. A code keeps its own countdown. */
  #restore(): void {
    if (this.#code !== null) this.#show({ state: 'ready', code: this.#code })
    else if (this.#attempt !== null && this.#attempt.status !== 'pending') this.#onAttempt(this.#attempt)
    else this.#show({ state: 'loading' })
  }

  #onOffline(): void {
    const { state } = this.#screen
    if (
      state === 'loading' ||
      state === 'ready' ||
      state === 'scanned' ||
      state === 'match' ||
      state === 'reconnecting'
    ) {
      this.#show({ state: 'offline' })
    }
  }

  /** The attempt ran out, or is gone. */
  #renew(): void {
    this.#leave()
    this.#attempt = null
    const isVisible = document.visibilityState === 'visible'
    if (isVisible && performance.now() < this.#renewUntil) void this.#begin()
    else this.#show({ state: 'paused' })
  }

  #onStartRefused({ code, retryAfterMs, requestId }: Refused): void {
    if (code === 'rate_limited') {
      const waitMs = retryAfterMs ?? 60_000
      this.#show({ state: 'rate_limited', waitMs, endsAt: performance.now() + waitMs })
      this.#after('retry', waitMs, () => void this.#begin())
    } else if (code === 'network' || code === 'unavailable') {
      this.#failures += 1
      const isOffline = code === 'network' && !navigator.onLine
      this.#show({ state: isOffline ? 'offline' : 'unavailable' })
      const waitMs = Math.max(retryAfterMs ?? 0, backoffMs(this.#failures, Math.random()))
      this.#after('retry', waitMs, () => void this.#begin())
    } else {
      this.#show({ state: 'error', reference: requestId })
    }
  }

  #onVisibility(isVisible: boolean): void {
    if (!isVisible) {
      this.#hiddenSince ??= Date.now()
      this.#after('hidden', HIDDEN_STREAM_MS, () => this.#suspend())
      return
    }
    this.#clear('hidden')
    const hiddenMs = this.#hiddenSince === null ? 0 : Date.now() - this.#hiddenSince
    this.#hiddenSince = null
    // Some systems stop the monotonic clock while they sleep: what the wall clock says has passed counts too.
    if (this.#screen.state === 'paused') this.start()
    else if (this.#code !== null && hiddenMs > this.#code.endsAt - performance.now()) this.#onCodeOverdue()
    else this.#wake()
  }

  /** Out of the back/forward cache. After a sign-in, what the page showed is history. */
  #onRestored(): void {
    if (this.#isDone) location.reload()
    else this.#wake()
  }

  #wake(): void {
    if (this.#timers.has('retry') && this.#screen.state !== 'rate_limited') void this.#begin()
    else if (this.#follower !== null) this.#follower.wake()
    else if (this.#attempt !== null && this.#attempt.expiresInMs > 0) this.#follow(this.#attempt, true)
  }

  /** Gives the stream back; `#wake` follows again, and asks first. */
  #suspend(): void {
    this.#follower?.stop()
    this.#follower = null
    this.#forgetCode()
    if (this.#screen.state === 'ready') this.#show({ state: 'loading' })
  }

  #finish(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#leave()
    this.#options.onSignedIn()
  }

  async #cancel(): Promise<void> {
    const attempt = this.#attempt
    this.#leave()
    this.#round += 1
    this.#attempt = null
    if (attempt === null || attempt.expiresInMs === 0 || attempt.status === 'confirmed') return
    await call('DELETE', `/api/qr/${attempt.id}`, { keepalive: true })
  }

  /** Stops listening and forgets what was planned. */
  #leave(): void {
    this.#follower?.stop()
    this.#follower = null
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#code = null
  }

  #after(name: 'link' | 'code' | 'retry' | 'hidden', ms: number, run: () => void): void {
    this.#clear(name)
    const timer = setTimeout(() => {
      this.#timers.delete(name)
      run()
    }, ms)
    this.#timers.set(name, timer)
  }

  #clear(name: 'link' | 'code' | 'retry' | 'hidden'): void {
    clearTimeout(this.#timers.get(name))
    this.#timers.delete(name)
  }

  #show(screen: SignInScreen): void {
    this.#screen = screen
    for (const listener of this.#listeners) listener()
  }
}
