import type { SessionView } from '../session/session'

const KEY = 'qr_known_computers'

/** The part of `localStorage` that is needed. */
type Memory = Pick<Storage, 'getItem' | 'setItem'>

/**
 * Tells which signed-in computers are news to this device, also across visits. Remembers ids that were here before or
 * that somebody has answered for. Nothing is news to a device that sees an account for the first time.
 */
export class NewComputers {
  readonly #memory: Memory | null
  readonly #key: string
  #known: Set<string> | null

  /** `memory`: null where the browser gives none; then it lasts as long as the page. */
  constructor(memory: Memory | null, personId: string) {
    this.#memory = memory
    this.#key = `${KEY}:${personId}`
    this.#known = this.#read()
  }

  /** The list as it is now; returns the computers that are still news. */
  update(sessions: SessionView[]): SessionView[] {
    const before = this.#known
    const known = sessions.filter(({ id, current }) => before === null || before.has(id) || current)
    this.#write(new Set(known.map(({ id }) => id)))
    return sessions.filter(({ id }) => this.#known?.has(id) === false)
  }

  /** Somebody has answered for this one. */
  dismiss(id: string): void {
    this.#write(new Set([...(this.#known ?? []), id]))
  }

  #read(): Set<string> | null {
    try {
      const stored: unknown = JSON.parse(this.#memory?.getItem(this.#key) ?? 'null')
      return Array.isArray(stored) ? new Set(stored.filter((id) => typeof id === 'string')) : null
    } catch {
      return null
    }
  }

  #write(known: Set<string>): void {
    this.#known = known
    try {
      this.#memory?.setItem(this.#key, JSON.stringify([...known]))
    } catch {
      // Full or forbidden: what is known lasts as long as the page.
    }
  }
}
