import { type Attempt, attemptAt, isRunning, scannerOf } from '../../core/attempt/attempt'
import type { EndedBy } from '../../core/session/session'
import type { AccountChange, Unwatch, Watched as WatchedAttempt } from '../../core/store'
import { FanOut } from '../fan-out'
import { toAttempt } from './documents'

/** The lease of a registered watcher. It is renewed after half of that. */
const LEASE_MS = 10 * 60_000

/** How often scanned attempts are read again, in case messages are lost. */
const SCANNED_INTERVAL_MS = 2_000
/** How often other attempts, and accounts, are read again. */
const INTERVAL_MS = 15_000
/** When a failed read is repeated. */
const RETRY_MS = 1_000
/** How often due reads are started: a change of a scanned attempt is published within 2.5 s. */
const CHECK_INTERVAL_MS = 250

/** The key prefix of the script: `w` for attempts, `v` for accounts. */
export type WatchKind = 'w' | 'v'

export interface RedisWatchOptions {
  now: () => number
  onError: (error: unknown) => void
  findAttempt: (id: string) => Promise<Attempt | null>
  /** Registers this process as a watcher for `ttlMs`. */
  register: (kind: WatchKind, id: string, ttlMs: number) => Promise<void>
  /**
   * Reads an attempt of this browser and, if it is running, registers this process as a watcher, in
   * one step. Null, and not registered, for an unknown attempt and for another browser's.
   */
  readAndRegister: (id: string, browserHash: string, ttlMs: number, now: number) => Promise<Attempt | null>
  /** Writes a small key: a former primary still serves reads, and refuses only this. */
  probeWrite: () => Promise<void>
}

/** A watched attempt or account. */
interface Watched {
  listeners: number
  /** The attempt as last published; null for an account, and before the first publish. */
  attempt: Attempt | null
  /** When it is read again at the latest. */
  dueAt: number
  /** When this process was last registered as a watcher; 0: the registration may be lost. */
  registeredAt: number
}

/**
 * The attempts and accounts that this process watches in the shared store. Messages are hints:
 * everything watched is read again after each interruption, and periodically.
 */
export class RedisWatch {
  readonly #options: RedisWatchOptions
  readonly #attempts: FanOut<Attempt>
  readonly #accounts: FanOut<AccountChange>
  readonly #watchedAttempts = new Map<string, Watched>()
  readonly #watchedAccounts = new Map<string, Watched>()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(options: RedisWatchOptions) {
    this.#options = options
    this.#attempts = new FanOut(options.onError)
    this.#accounts = new FanOut(options.onError)
    this.#timer = setInterval(() => this.#reread(this.#options.now()), CHECK_INTERVAL_MS)
    this.#timer.unref()
  }

  /**
   * See `Store.watchAttempt`. Adds the listener before it reads, so that no message is missed, and
   * removes it after a refusal or an error.
   */
  async attempt(
    id: string,
    browserHash: string,
    listener: (attempt: Attempt) => void,
    now: number,
  ): Promise<WatchedAttempt | null> {
    const { watched, unwatch } = this.#join(this.#watchedAttempts, id, this.#attempts.watch(id, listener))
    let attempt: Attempt | null = null
    try {
      attempt = await this.#options.readAndRegister(id, browserHash, LEASE_MS, now)
    } finally {
      if (attempt === null) unwatch()
    }
    if (attempt === null) return null
    if (!isRunning(attemptAt(attempt, now))) unwatch()
    else this.#scheduleReread(watched, attempt)
    return { attempt, unwatch }
  }

  account(personId: string, listener: (change: AccountChange) => void): Unwatch {
    const removeListener = this.#accounts.watch(personId, listener)
    const { watched, unwatch } = this.#join(this.#watchedAccounts, personId, removeListener)
    if (watched.listeners === 1) this.#register('v', personId, watched)
    return unwatch
  }

  /** Handles a message of the script. */
  receive(message: string): void {
    const at = message.indexOf(' ')
    const [kind, rest] = [message.slice(0, at), message.slice(at + 1)]
    if (kind === 'attempt') this.#publishIfNewer(toAttempt(rest))
    else if (kind === 'scan') {
      const attempt = toAttempt(rest)
      const person = attempt === null ? null : scannerOf(attempt)
      if (attempt !== null && person !== null) this.#accounts.publish(person.person.id, { type: 'attempt', attempt })
    } else if (kind === 'sessions') this.#accounts.publish(rest, { type: 'sessions' })
    else if (kind === 'revoked') {
      const { person, session, by } = JSON.parse(rest) as { person: string; session: string; by?: EndedBy }
      // Messages of older versions have no `by`.
      this.#accounts.publish(person, { type: 'revoked', sessionId: session, by: by ?? 'phone' })
    }
  }

  /**
   * Reads everything again and renews all registrations. Call it after an interruption: messages
   * may be lost, and the server may have lost its data.
   */
  rereadAll(): void {
    for (const all of [this.#watchedAttempts, this.#watchedAccounts]) {
      for (const watched of all.values()) watched.registeredAt = 0
    }
    this.#reread(Number.POSITIVE_INFINITY)
  }

  /** The number of attempts and accounts with listeners. */
  get size(): number {
    return Math.max(this.#watchedAttempts.size, this.#attempts.size) + this.#accounts.size
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #join(all: Map<string, Watched>, id: string, removeListener: Unwatch): { watched: Watched; unwatch: Unwatch } {
    const now = this.#options.now()
    const watched = all.get(id) ?? { listeners: 0, attempt: null, dueAt: now + INTERVAL_MS, registeredAt: now }
    watched.listeners += 1
    all.set(id, watched)
    let isRemoved = false
    const unwatch = () => {
      if (isRemoved) return
      isRemoved = true
      removeListener()
      watched.listeners -= 1
      // The registration is not removed: it expires, and messages until then are ignored.
      if (watched.listeners === 0 && all.get(id) === watched) all.delete(id)
    }
    return { watched, unwatch }
  }

  #register(kind: WatchKind, id: string, watched: Watched): void {
    watched.registeredAt = this.#options.now()
    this.#options.register(kind, id, LEASE_MS).catch((error: unknown) => {
      watched.registeredAt = 0
      this.#options.onError(error)
    })
  }

  /** Sets when the attempt that was just read is read again. Does not call listeners. */
  #scheduleReread(watched: Watched, attempt: Attempt): void {
    watched.registeredAt = this.#options.now()
    watched.dueAt = Math.min(watched.dueAt, this.#options.now() + intervalMs(attempt))
  }

  /** Messages and reads can arrive out of order: only a higher version is published. */
  #publishIfNewer(attempt: Attempt | null): void {
    if (attempt === null) return
    const watched = this.#watchedAttempts.get(attempt.id)
    if (watched === undefined || (watched.attempt !== null && watched.attempt.version >= attempt.version)) return
    watched.attempt = attempt
    watched.dueAt = Math.min(watched.dueAt, this.#options.now() + intervalMs(attempt))
    this.#attempts.publish(attempt.id, attempt)
  }

  /**
   * Reads everything that is due by this time, in one command, and renews registrations before they
   * expire.
   */
  #reread(by: number): void {
    const now = this.#options.now()
    let isDue = false
    for (const [kind, all] of [
      ['w', this.#watchedAttempts],
      ['v', this.#watchedAccounts],
    ] as const) {
      for (const [id, watched] of all) {
        if (watched.dueAt > by || (watched.attempt !== null && !isRunning(watched.attempt))) continue
        watched.dueAt = now + intervalMs(watched.attempt)
        isDue = true
        if (now - watched.registeredAt >= LEASE_MS / 2) this.#register(kind, id, watched)
        if (kind === 'v') this.#accounts.publish(id, { type: 'missed' })
        else
          this.#options.findAttempt(id).then(
            (attempt) => this.#publishIfNewer(attempt),
            (error: unknown) => {
              watched.dueAt = this.#options.now() + RETRY_MS
              this.#options.onError(error)
            },
          )
      }
    }
    // Sent in the same command as the reads.
    if (isDue) this.#options.probeWrite().catch(this.#options.onError)
  }
}

function intervalMs(attempt: Attempt | null): number {
  return attempt?.status === 'scanned' ? SCANNED_INTERVAL_MS : INTERVAL_MS
}
