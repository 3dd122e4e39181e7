import { type Attempt, attemptAt, isRunning, scannerOf } from '../core/attempt/attempt'
import { type Review, toReview } from '../core/attempt/views'
import type { Keyring } from '../core/keys'
import {
  type Account,
  type EndedBy,
  isSessionAlive,
  type SessionLifetimes,
  type SessionView,
  sessionEndsAt,
} from '../core/session/session'
import type { Sessions } from '../core/session/sessions'
import type { AccountChange, Store, Unwatch } from '../core/store'
import { encodeEvent } from './encode'
import type { Stream } from './streams'
import type { TimerListener, TimerWheel } from './timer-wheel'

export interface AccountStreamsOptions {
  store: Store
  sessions: Sessions
  sessionLifetimes: SessionLifetimes
  keys: Keyring
  timers: TimerWheel
  now: () => number
  /** Called with what fails after a stream has opened. */
  onError: (error: unknown) => void
}

/** The account streams of all people: one watch per person, and one list per change, however many pages are open. */
export class AccountStreams {
  readonly #options: AccountStreamsOptions
  readonly #channels = new Map<string, AccountChannel>()

  constructor(options: AccountStreamsOptions) {
    this.#options = options
  }

  /** Adds a stream, which gets the list as its first frame. `end` is to be called when it has closed. */
  open(stream: Stream, account: Account): AccountStream {
    const { id: personId } = account.person
    const channel = this.#channels.get(personId) ?? this.#create(personId)
    const reader = new AccountStream({ ...this.#options, stream, account, onEnd: () => channel.remove(reader) })
    channel.add(reader)
    return reader
  }

  /** How many people have a stream open. */
  get size(): number {
    return this.#channels.size
  }

  #create(personId: string): AccountChannel {
    const onEnd = () => this.#channels.delete(personId)
    const channel = new AccountChannel(personId, this.#options, onEnd)
    this.#channels.set(personId, channel)
    return channel
  }
}

/** The streams of one person. Ends with the last of them. */
class AccountChannel {
  readonly #personId: string
  readonly #options: AccountStreamsOptions
  readonly #onEnd: () => void
  readonly #readers = new Set<AccountStream>()
  readonly #unwatch: Unwatch
  #isReading = false
  /** The list has changed, or has a new reader, since it was last asked for. */
  #isStale = false

  constructor(personId: string, options: AccountStreamsOptions, onEnd: () => void) {
    this.#personId = personId
    this.#options = options
    this.#onEnd = onEnd
    this.#unwatch = options.store.watchAccount(personId, (change) => this.#publish(change))
  }

  add(reader: AccountStream): void {
    this.#readers.add(reader)
    this.#refresh()
    reader.check()
  }

  remove(reader: AccountStream): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return
    this.#unwatch()
    this.#onEnd()
  }

  #publish(change: AccountChange): void {
    if (change.type === 'sessions' || change.type === 'missed') this.#refresh()
    if (change.type !== 'sessions') for (const reader of [...this.#readers]) reader.notify(change)
  }

  /** Reads the list once for all readers, and once more where it has changed meanwhile. */
  #refresh(): void {
    this.#isStale = true
    if (!this.#isReading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      while (this.#isStale && this.#readers.size > 0) {
        this.#isStale = false
        const sessions = await this.#options.sessions.list(this.#personId, null)
        const payload = JSON.stringify(sessions)
        for (const reader of [...this.#readers]) reader.writeSessions(sessions, payload)
      }
    } catch (error) {
      // A stream that can no longer read the truth ends; its client comes back and asks again.
      this.#options.onError(error)
      for (const reader of [...this.#readers]) reader.close()
    } finally {
      this.#isReading = false
    }
  }
}

interface AccountStreamOptions extends AccountStreamsOptions {
  stream: Stream
  account: Account
  onEnd: () => void
}

/** What one signed-in phone or computer receives about its account. */
export class AccountStream implements TimerListener {
  readonly #options: AccountStreamOptions
  /** The running attempt that this phone scanned last: its time can run out without a message. */
  #scanned: Attempt | null = null
  /** The list that was written last. */
  #lastPayload = ''

  constructor(options: AccountStreamOptions) {
    this.#options = options
  }

  /** To be called when the stream has closed. */
  end(): void {
    this.#options.onEnd()
    this.#options.timers.delete(this)
  }

  close(): void {
    this.#options.stream.close()
  }

  /** Ends the stream when the record says so, else looks again when it would. */
  check(): void {
    this.#attend(this.#checkSession())
  }

  onTimer(): void {
    const { now } = this.#options
    if (this.#scanned !== null && !isRunning(attemptAt(this.#scanned, now()))) {
      this.#writeReview(this.#scanned)
      this.#scanned = null
    }
    this.check()
  }

  notify(change: Exclude<AccountChange, { type: 'sessions' }>): void {
    const { id } = this.#options.account
    if (change.type === 'missed') this.#readAgain()
    else if (change.type === 'revoked') {
      if (change.sessionId === id) this.#signOut(change.by)
    } else if (scannerOf(change.attempt)?.sessionId === id) {
      this.#writeReview(change.attempt)
      this.#scanned = isRunning(change.attempt) ? change.attempt : null
      this.check()
    }
  }

  /** Writes the list unless it is the one that was written last. `payload`: the list as JSON, for comparison. */
  writeSessions(sessions: readonly SessionView[], payload: string): void {
    if (payload === this.#lastPayload) return
    this.#lastPayload = payload
    const { account, stream } = this.#options
    const isComputer = account.kind === 'computer'
    const own = isComputer ? sessions.map((each) => ({ ...each, current: each.id === account.id })) : sessions
    stream.write(encodeEvent({ event: 'sessions', data: { sessions: own } }))
  }

  #readAgain(): void {
    this.check()
    const scanned = this.#scanned
    if (scanned !== null) this.#attend(this.#readScanned(scanned))
  }

  async #readScanned({ id, version }: Attempt): Promise<void> {
    const attempt = await this.#options.store.findAttempt(id)
    if (attempt !== null && attempt.version > version) this.notify({ type: 'attempt', attempt })
  }

  #writeReview(attempt: Attempt): void {
    const { now, keys, stream } = this.#options
    const { claim: _, ...review }: Review = toReview(attempt, '', now(), keys)
    stream.write(encodeEvent({ event: 'attempt', data: review }))
  }

  async #checkSession(): Promise<void> {
    const { account, stream, store, sessionLifetimes, now } = this.#options
    if (account.kind === 'token') return this.#checkToken(account.expiresAt)
    const session = await store.findSession(account.id)
    if (stream.closed) return
    if (session === null || !isSessionAlive(session, now(), sessionLifetimes)) {
      return this.#signOut(session?.revokedBy ?? 'time')
    }
    this.#lookAgainAt(sessionEndsAt(session, sessionLifetimes))
  }

  /** A token that has ended signs its phone out nowhere: the app comes back with the next one. */
  #checkToken(expiresAt: number): void {
    if (this.#options.now() < expiresAt) this.#lookAgainAt(expiresAt)
    else {
      this.#options.stream.write(encodeEvent({ event: 'bye', data: { retryMs: 0 } }))
      this.close()
    }
  }

  #lookAgainAt(endsAt: number): void {
    const attemptEndsAt = this.#scanned !== null && isRunning(this.#scanned) ? this.#scanned.expiresAt : Infinity
    this.#options.timers.set(this, Math.min(endsAt, attemptEndsAt))
  }

  #signOut(by: EndedBy): void {
    this.#options.stream.write(encodeEvent({ event: 'signed_out', data: { by } }))
    this.close()
  }

  #attend(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#options.onError(error)
      this.close()
    })
  }
}
