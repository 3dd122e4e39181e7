import { type Attempt, isRunning, scannerOf } from '../attempt/attempt'
import { FanOut } from './fan-out'
import { toAttempt } from './redis-documents'
import type { AccountChange, Unwatch } from './store'

/** How long a process is remembered as a watcher when it says nothing more: it says so again in half of that. */
const WATCH_MS = 10 * 60_000

/** With every message lost, a scanned attempt is read again this often, all else at each heartbeat. */
const SCANNED_EVERY_MS = 2_000
const ELSE_EVERY_MS = 15_000
/** After a read that failed. */
const RETRY_MS = 1_000
/** How often it is looked who is due: what is read every 2 s is told within 2.5 s. */
const LOOK_EVERY_MS = 250

/** The script's word for what is watched: an attempt, or a person's account. */
export type WatchKind = 'w' | 'v'

export interface RedisWatchOptions {
  now: () => number
  onError: (error: unknown) => void
  findAttempt: (id: string) => Promise<Attempt | null>
  /** Has this process told of it for so long. */
  say: (kind: WatchKind, id: string, forMs: number) => Promise<void>
}

/** What is watched, as it was seen last. */
interface Watched {
  listeners: number
  attempt: Attempt | null
  /** When it is read again at the latest. */
  dueAt: number
  /** When this process was last put down as a watcher; 0 when that may be lost. */
  saidAt: number
}

/**
 * What this process watches in the shared store. Messages are hints: what is watched is read again after each interruption, and every few
 * seconds in any case.
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

  attempt(id: string, listener: (attempt: Attempt) => void): Unwatch {
    return this.#watch('w', this.#watchedAttempts, id, this.#attempts.watch(id, listener))
  }

  account(personId: string, listener: (change: AccountChange) => void): Unwatch {
    return this.#watch('v', this.#watchedAccounts, personId, this.#accounts.watch(personId, listener))
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
      const { person, session } = JSON.parse(rest) as { person: string; session: string }
      this.#accounts.publish(person, { type: 'revoked', sessionId: session })
    }
  }

  /** An attempt that somebody has just read: when it is watched, this says how soon the watch has to look. Nobody is told. */
  note(attempt: Attempt | null): void {
    const watched = attempt === null ? undefined : this.#watchedAttempts.get(attempt.id)
    if (watched !== undefined) watched.dueAt = Math.min(watched.dueAt, this.#options.now() + everyMs(attempt))
  }

  /** Something may have been missed, and the store may be an empty one that knows nothing of us. */
  readAll(): void {
    for (const all of [this.#watchedAttempts, this.#watchedAccounts]) {
      for (const watched of all.values()) watched.saidAt = 0
    }
    this.#readAgain(Number.POSITIVE_INFINITY)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #watch(kind: WatchKind, all: Map<string, Watched>, id: string, leave: Unwatch): Unwatch {
    const now = this.#options.now()
    const watched = all.get(id) ?? { listeners: 0, attempt: null, dueAt: now + ELSE_EVERY_MS, saidAt: now }
    watched.listeners += 1
    all.set(id, watched)
    if (watched.listeners === 1) this.#say(kind, id, watched)
    let isLeft = false
    return () => {
      if (isLeft) return
      isLeft = true
      leave()
      watched.listeners -= 1
      // Not unsaid: the set ends by itself, and a message too many is ignored.
      if (watched.listeners === 0 && all.get(id) === watched) all.delete(id)
    }
  }

  #say(kind: WatchKind, id: string, watched: Watched): void {
    watched.saidAt = this.#options.now()
    this.#options.say(kind, id, WATCH_MS).catch((error: unknown) => {
      watched.saidAt = 0
      this.#options.onError(error)
    })
  }

  /** Messages and reads overtake each other: only what is newer is told. */
  #show(attempt: Attempt | null): void {
    if (attempt === null) return
    const watched = this.#watchedAttempts.get(attempt.id)
    if (watched === undefined || (watched.attempt !== null && watched.attempt.version >= attempt.version)) return
    watched.attempt = attempt
    watched.dueAt = Math.min(watched.dueAt, this.#options.now() + everyMs(attempt))
    this.#attempts.publish(attempt.id, attempt)
  }

  /** Reads what is due by then, all as one command, and says again what is watched before it is forgotten. */
  #readAgain(by: number): void {
    const now = this.#options.now()
    for (const [kind, all] of [
      ['w', this.#watchedAttempts],
      ['v', this.#watchedAccounts],
    ] as const) {
      for (const [id, watched] of all) {
        if (watched.dueAt > by || (watched.attempt !== null && !isRunning(watched.attempt))) continue
        watched.dueAt = now + everyMs(watched.attempt)
        if (now - watched.saidAt >= WATCH_MS / 2) this.#say(kind, id, watched)
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
  }
}

function everyMs(attempt: Attempt | null): number {
  return attempt?.status === 'scanned' ? SCANNED_EVERY_MS : ELSE_EVERY_MS
}
