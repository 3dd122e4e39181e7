import { type Attempt, attemptAt, isRunning, scannerOf } from '../../core/attempt/attempt'
import type { EndedBy } from '../../core/session/session'
import type { AccountChange, Unwatch, Watched as WatchedAttempt } from '../../core/store'
import { FanOut } from '../fan-out'
import { toAttempt } from './documents'

/**
 * How long a process is remembered as a watcher when it says nothing more: it says so again in half
 * of that.
 */
const WATCH_MS = 10 * 60_000

/**
 * With every message lost, a scanned attempt is read again this often, all else at each heartbeat.
 */
const SCANNED_EVERY_MS = 2_000
const ELSE_EVERY_MS = 15_000
/** After a read that failed. */
const RETRY_MS = 1_000
/** How often due reads are looked up: what is read every 2 s is published within 2.5 s. */
const LOOK_EVERY_MS = 250

/** The script's word for what is watched: an attempt, or a person's account. */
export type WatchKind = 'w' | 'v'

export interface RedisWatchOptions {
  now: () => number
  onError: (error: unknown) => void
  findAttempt: (id: string) => Promise<Attempt | null>
  /** Puts this process down as a watcher for so long. */
  watch: (kind: WatchKind, id: string, forMs: number) => Promise<void>
  /**
   * Reads an attempt of this browser and puts the process down where it is running, in one step.
   * Null, and nothing put down, for an unknown one and another browser's.
   */
  readAndWatch: (id: string, browserHash: string, forMs: number, now: number) => Promise<Attempt | null>
  /**
   * Writes something small: a server that was a primary and is not any more can be read, and says
   * no to this alone.
   */
  here: () => Promise<void>
}

/** What is watched, as it was seen last. */
interface Watched {
  listeners: number
  attempt: Attempt | null
  /** When it is read again at the latest. */
  dueAt: number
  /** When this process was last put down as a watcher; 0 when that may be lost. */
  putDownAt: number
}

/**
 * What this process watches in the shared store. Messages are hints: what is watched is read again
 * after each interruption, and every few seconds in any case.
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
    this.#timer = setInterval(() => this.#readAgain(this.#options.now()), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  /**
   * See `Store.watchAttempt`. Listens while it reads, so that no message falls between; a refusal
   * leaves nothing.
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
      attempt = await this.#options.readAndWatch(id, browserHash, WATCH_MS, now)
    } finally {
      if (attempt === null) unwatch()
    }
    if (attempt === null) return null
    if (!isRunning(attemptAt(attempt, now))) unwatch()
    else this.#note(watched, attempt)
    return { attempt, unwatch }
  }

  account(personId: string, listener: (change: AccountChange) => void): Unwatch {
    const leave = this.#accounts.watch(personId, listener)
    const { watched, unwatch } = this.#join(this.#watchedAccounts, personId, leave)
    if (watched.listeners === 1) this.#putDown('v', personId, watched)
    return unwatch
  }

  /** A message from the script. */
  hear(message: string): void {
    const at = message.indexOf(' ')
    const [kind, rest] = [message.slice(0, at), message.slice(at + 1)]
    if (kind === 'attempt') this.#show(toAttempt(rest))
    else if (kind === 'scan') {
      const attempt = toAttempt(rest)
      const person = attempt === null ? null : scannerOf(attempt)
      if (attempt !== null && person !== null) this.#accounts.publish(person.person.id, { type: 'attempt', attempt })
    } else if (kind === 'sessions') this.#accounts.publish(rest, { type: 'sessions' })
    else if (kind === 'revoked') {
      const { person, session, by } = JSON.parse(rest) as { person: string; session: string; by?: EndedBy }
      // Processes of older versions do not say by what.
      this.#accounts.publish(person, { type: 'revoked', sessionId: session, by: by ?? 'phone' })
    }
  }

  /** Something may have been missed, and the store may be an empty one that knows nothing of us. */
  readAll(): void {
    for (const all of [this.#watchedAttempts, this.#watchedAccounts]) {
      for (const watched of all.values()) watched.putDownAt = 0
    }
    this.#readAgain(Number.POSITIVE_INFINITY)
  }

  /** How many attempts and accounts have listeners. */
  get size(): number {
    return Math.max(this.#watchedAttempts.size, this.#attempts.size) + this.#accounts.size
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #join(all: Map<string, Watched>, id: string, leave: Unwatch): { watched: Watched; unwatch: Unwatch } {
    const now = this.#options.now()
    const watched = all.get(id) ?? { listeners: 0, attempt: null, dueAt: now + ELSE_EVERY_MS, putDownAt: now }
    watched.listeners += 1
    all.set(id, watched)
    let isLeft = false
    const unwatch = () => {
      if (isLeft) return
      isLeft = true
      leave()
      watched.listeners -= 1
      // The set of watchers ends by itself, and a message too many is ignored.
      if (watched.listeners === 0 && all.get(id) === watched) all.delete(id)
    }
    return { watched, unwatch }
  }

  #putDown(kind: WatchKind, id: string, watched: Watched): void {
    watched.putDownAt = this.#options.now()
    this.#options.watch(kind, id, WATCH_MS).catch((error: unknown) => {
      watched.putDownAt = 0
      this.#options.onError(error)
    })
  }

  /** How soon it has to be read again, by what was just read. No listener is called. */
  #note(watched: Watched, attempt: Attempt): void {
    watched.putDownAt = this.#options.now()
    watched.dueAt = Math.min(watched.dueAt, this.#options.now() + everyMs(attempt))
  }

  /** Messages and reads overtake each other: only newer states are published. */
  #show(attempt: Attempt | null): void {
    if (attempt === null) return
    const watched = this.#watchedAttempts.get(attempt.id)
    if (watched === undefined || (watched.attempt !== null && watched.attempt.version >= attempt.version)) return
    watched.attempt = attempt
    watched.dueAt = Math.min(watched.dueAt, this.#options.now() + everyMs(attempt))
    this.#attempts.publish(attempt.id, attempt)
  }

  /**
   * Reads what is due by then, all as one command, and says again what is watched before it is
   * forgotten.
   */
  #readAgain(by: number): void {
    const now = this.#options.now()
    let isDue = false
    for (const [kind, all] of [
      ['w', this.#watchedAttempts],
      ['v', this.#watchedAccounts],
    ] as const) {
      for (const [id, watched] of all) {
        if (watched.dueAt > by || (watched.attempt !== null && !isRunning(watched.attempt))) continue
        watched.dueAt = now + everyMs(watched.attempt)
        isDue = true
        if (now - watched.putDownAt >= WATCH_MS / 2) this.#putDown(kind, id, watched)
        if (kind === 'v') this.#accounts.publish(id, { type: 'missed' })
        else
          this.#options.findAttempt(id).then(
            (attempt) => this.#show(attempt),
            (error: unknown) => {
              watched.dueAt = this.#options.now() + RETRY_MS
              this.#options.onError(error)
            },
          )
      }
    }
    // Travels in the same command as the reads.
    if (isDue) this.#options.here().catch(this.#options.onError)
  }
}

function everyMs(attempt: Attempt | null): number {
  return attempt?.status === 'scanned' ? SCANNED_EVERY_MS : ELSE_EVERY_MS
}
