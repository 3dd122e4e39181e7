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
import type { Connection } from './connections'
import { ServerEvent } from './event'
import type { TimerListener, TimerWheel } from './timer-wheel'

export interface AccountStreamsOptions {
  store: Store
  sessions: Sessions
  sessionLifetimes: SessionLifetimes
  keys: Keyring
  timers: TimerWheel
  now: () => number
  /** Called with errors after a stream has opened. */
  onError: (error: unknown) => void
}

/**
 * The account streams of all people. A person has one watch, and one read of the list per change,
 * however many streams are open.
 */
export class AccountStreams {
  readonly #options: AccountStreamsOptions
  readonly #channels = new Map<string, AccountChannel>()

  constructor(options: AccountStreamsOptions) {
    this.#options = options
  }

  /**
   * Adds a connection and sends it the list as its first event. The caller calls the returned
   * function when the connection has closed.
   */
  subscribe(connection: Connection, account: Account): () => void {
    const { id: personId } = account.person
    const channel = this.#channels.get(personId) ?? this.#create(personId)
    const onEnd = () => channel.remove(stream)
    const stream = new AccountStream({ ...this.#options, connection, account, onEnd })
    channel.add(stream)
    return () => stream.end()
  }

  /** The number of people with an open stream. */
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

/** The streams of one person. The watch ends with the last of them. */
class AccountChannel {
  readonly #personId: string
  readonly #options: AccountStreamsOptions
  readonly #onEnd: () => void
  readonly #streams = new Set<AccountStream>()
  readonly #unwatch: Unwatch
  #isReading = false
  /** The list has changed, or a stream was added, since the last read began. */
  #isStale = false

  constructor(personId: string, options: AccountStreamsOptions, onEnd: () => void) {
    this.#personId = personId
    this.#options = options
    this.#onEnd = onEnd
    this.#unwatch = options.store.watchAccount(personId, (change) => this.#publish(change))
  }

  add(stream: AccountStream): void {
    this.#streams.add(stream)
    this.#refresh()
    stream.check()
  }

  remove(stream: AccountStream): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return
    this.#unwatch()
    this.#onEnd()
  }

  #publish(change: AccountChange): void {
    if (change.type === 'sessions' || change.type === 'missed') this.#refresh()
    if (change.type !== 'sessions') for (const stream of [...this.#streams]) stream.notify(change)
  }

  /** Reads the list once for all streams, and again if it changes during the read. */
  #refresh(): void {
    this.#isStale = true
    if (!this.#isReading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      while (this.#isStale && this.#streams.size > 0) {
        this.#isStale = false
        const sessions = await this.#options.sessions.list(this.#personId, null)
        const list = { sessions, event: toEvent(sessions), payload: JSON.stringify(sessions) }
        for (const stream of [...this.#streams]) stream.sendSessions(list)
      }
    } catch (error) {
      // A stream that can no longer read the list ends; its client opens a new one.
      this.#options.onError(error)
      for (const stream of [...this.#streams]) stream.close()
    } finally {
      this.#isReading = false
    }
  }
}

/** The signed-in computers of a person, read once for all streams. */
interface SessionList {
  sessions: readonly SessionView[]
  /** The event for phones: none of the computers is the client itself. */
  event: ServerEvent
  /** As JSON, for comparison. */
  payload: string
}

function toEvent(sessions: readonly SessionView[]): ServerEvent {
  return new ServerEvent({ event: 'sessions', data: { sessions } })
}

interface AccountStreamOptions extends AccountStreamsOptions {
  connection: Connection
  account: Account
  onEnd: () => void
}

/** The account stream of one signed-in phone or computer. */
class AccountStream implements TimerListener {
  readonly #options: AccountStreamOptions
  /** The running attempt that this phone scanned last: it can expire without a message. */
  #scanned: Attempt | null = null
  /** The list that was sent last, as JSON. */
  #lastPayload = ''

  constructor(options: AccountStreamOptions) {
    this.#options = options
  }

  /** Call it when the connection has closed. */
  end(): void {
    this.#options.onEnd()
    this.#options.timers.delete(this)
  }

  close(): void {
    this.#options.connection.close()
  }

  /** Ends the stream if the session has ended, otherwise checks again when it would expire. */
  check(): void {
    this.#closeOnError(this.#checkSession())
  }

  onTimer(): void {
    const { now } = this.#options
    if (this.#scanned !== null && !isRunning(attemptAt(this.#scanned, now()))) {
      this.#sendReview(this.#scanned)
      this.#scanned = null
    }
    this.check()
  }

  notify(change: Exclude<AccountChange, { type: 'sessions' }>): void {
    const { id } = this.#options.account
    if (change.type === 'missed') this.#reread()
    else if (change.type === 'revoked') {
      if (change.sessionId === id) this.#signOut(change.by)
    } else if (scannerOf(change.attempt)?.sessionId === id) {
      this.#sendReview(change.attempt)
      this.#scanned = isRunning(change.attempt) ? change.attempt : null
      this.check()
    }
  }

  /** Sends the list unless it is the same as the last one. */
  sendSessions({ sessions, event, payload }: SessionList): void {
    if (payload === this.#lastPayload) return
    this.#lastPayload = payload
    const { account, connection } = this.#options
    const isComputer = account.kind === 'computer'
    const mark = (each: SessionView) => ({ ...each, current: each.id === account.id })
    connection.send(isComputer ? toEvent(sessions.map(mark)) : event)
  }

  #reread(): void {
    this.check()
    const scanned = this.#scanned
    if (scanned !== null) this.#closeOnError(this.#readScanned(scanned))
  }

  async #readScanned({ id, version }: Attempt): Promise<void> {
    const attempt = await this.#options.store.findAttempt(id)
    if (attempt !== null && attempt.version > version) this.notify({ type: 'attempt', attempt })
  }

  #sendReview(attempt: Attempt): void {
    const { now, keys, connection } = this.#options
    const { claim: _, ...review }: Review = toReview(attempt, '', now(), keys)
    connection.send(new ServerEvent({ event: 'attempt', data: review }))
  }

  async #checkSession(): Promise<void> {
    const { account, connection, store, sessionLifetimes, now } = this.#options
    if (account.kind === 'token') return this.#checkToken(account.expiresAt)
    const session = await store.findSession(account.id)
    if (connection.isClosed) return
    if (session === null || !isSessionAlive(session, now(), sessionLifetimes)) {
      return this.#signOut(session?.revokedBy ?? 'time')
    }
    this.#checkAgainAt(sessionEndsAt(session, sessionLifetimes))
  }

  /** An expired token is not a sign-out: the app reconnects with the next one. */
  #checkToken(expiresAt: number): void {
    if (this.#options.connection.isClosed) return
    if (this.#options.now() < expiresAt) this.#checkAgainAt(expiresAt)
    else {
      this.#options.connection.send(new ServerEvent({ event: 'bye', data: { retryMs: 0 } }))
      this.close()
    }
  }

  #checkAgainAt(endsAt: number): void {
    const attemptEndsAt = this.#scanned !== null && isRunning(this.#scanned) ? this.#scanned.expiresAt : Infinity
    this.#options.timers.set(this, Math.min(endsAt, attemptEndsAt))
  }

  #signOut(by: EndedBy): void {
    this.#options.connection.send(new ServerEvent({ event: 'signed_out', data: { by } }))
    this.close()
  }

  #closeOnError(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#options.onError(error)
      this.close()
    })
  }
}
