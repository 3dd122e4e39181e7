import { type Attempt, attemptAt, isRunning, scannerOf } from '../attempt/attempt'
import type { Keyring } from '../attempt/keys'
import { type Review, toReview } from '../attempt/views'
import { type Account, type EndedBy, isSessionAlive, type SessionLifetimes, sessionEndsAt } from '../session/session'
import type { Deadlines, Due } from '../sse/deadlines'
import { encodeEvent } from '../sse/encode'
import type { Stream } from '../sse/streams'
import type { AccountChange, Store, Unwatch } from '../store/store'
import type { Sessions } from './sessions'

export interface AccountStreamsOptions {
  store: Store
  sessions: Sessions
  sessionLifetimes: SessionLifetimes
  keys: Keyring
  deadlines: Deadlines
  now: () => number
  /** For what goes wrong after the stream has opened. */
  onError: (error: unknown) => void
}

/** What a signed-in phone or computer hears of its account. */
export class AccountStream implements Due {
  readonly #options: AccountStreamsOptions
  readonly #session: Account
  readonly #stream: Stream
  readonly #unwatch: Unwatch
  /** The running attempt that this phone scanned last: its time can run out without anybody saying so. */
  #scanned: Attempt | null = null
  /** Bumped by each change, so that a slow answer never overtakes a newer one. */
  #asked = 0
  /** The list that was written last. */
  #said = ''

  /** Subscribes at once; `open` reads and writes the first frame. */
  constructor(stream: Stream, session: Account, options: AccountStreamsOptions) {
    this.#options = options
    this.#session = session
    this.#stream = stream
    this.#unwatch = options.store.watchAccount(session.person.id, (change) => this.#hear(change))
  }

  open(): void {
    this.#attend(this.#writeSessions())
    this.#attend(this.#checkSession())
  }

  /** To be called when the stream has closed. */
  end(): void {
    this.#unwatch()
    this.#options.deadlines.delete(this)
  }

  onDeadline(): void {
    const { now } = this.#options
    if (this.#scanned !== null && !isRunning(attemptAt(this.#scanned, now()))) {
      this.#writeReview(this.#scanned)
      this.#scanned = null
    }
    this.#attend(this.#checkSession())
  }

  #hear(change: AccountChange): void {
    if (change.type === 'sessions') this.#attend(this.#writeSessions())
    else if (change.type === 'missed') this.#readAgain()
    else if (change.type === 'revoked') {
      if (change.sessionId === this.#session.id) this.#signOut(change.by)
    } else if (scannerOf(change.attempt)?.sessionId === this.#session.id) {
      this.#writeReview(change.attempt)
      this.#scanned = isRunning(change.attempt) ? change.attempt : null
      this.#attend(this.#checkSession())
    }
  }

  #readAgain(): void {
    this.#attend(this.#writeSessions())
    this.#attend(this.#checkSession())
    const scanned = this.#scanned
    if (scanned !== null) this.#attend(this.#readScanned(scanned))
  }

  async #readScanned({ id, version }: Attempt): Promise<void> {
    const attempt = await this.#options.store.findAttempt(id)
    if (attempt !== null && attempt.version > version) this.#hear({ type: 'attempt', attempt })
  }

  async #writeSessions(): Promise<void> {
    this.#asked += 1
    const asked = this.#asked
    const { id, kind, person } = this.#session
    const sessions = await this.#options.sessions.list(person.id, kind === 'computer' ? id : null)
    const said = JSON.stringify(sessions)
    if (asked !== this.#asked || said === this.#said) return
    this.#said = said
    this.#stream.write(encodeEvent({ event: 'sessions', data: { sessions } }))
  }

  #writeReview(attempt: Attempt): void {
    const { claim: _, ...review }: Review = toReview(attempt, '', this.#options.now(), this.#options.keys)
    this.#stream.write(encodeEvent({ event: 'attempt', data: review }))
  }

  /** Ends the stream when the record says so, else looks again when the record or the scanned attempt would run out. */
  async #checkSession(): Promise<void> {
    if (this.#session.kind === 'token') return this.#checkToken(this.#session.expiresAt)
    const { store, sessionLifetimes, now } = this.#options
    const session = await store.findSession(this.#session.id)
    if (this.#stream.closed) return
    if (session === null || !isSessionAlive(session, now(), sessionLifetimes)) {
      return this.#signOut(session?.revokedBy ?? 'time')
    }
    this.#lookAgainAt(sessionEndsAt(session, sessionLifetimes))
  }

  /** A token that has ended signs nobody out: the app comes back with the next one. */
  #checkToken(expiresAt: number): void {
    if (this.#options.now() < expiresAt) this.#lookAgainAt(expiresAt)
    else {
      this.#stream.write(encodeEvent({ event: 'bye', data: { retryMs: 0 } }))
      this.#stream.close()
    }
  }

  #lookAgainAt(endsAt: number): void {
    const attemptEndsAt = this.#scanned !== null && isRunning(this.#scanned) ? this.#scanned.expiresAt : Infinity
    this.#options.deadlines.set(this, Math.min(endsAt, attemptEndsAt))
  }

  #signOut(by: EndedBy): void {
    this.#stream.write(encodeEvent({ event: 'signed_out', data: { by } }))
    this.#stream.close()
  }

  /** A stream that can no longer read the truth ends; its reader comes back and asks again. */
  #attend(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#options.onError(error)
      this.#stream.close()
    })
  }
}
