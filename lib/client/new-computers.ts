import type { SessionView } from '../session/session'

/**
 * Tells which signed-in computers are news to this page. The first list is none; what comes later is, until somebody
 * has answered for it or it has gone. Kept in the page: nothing about an account is left in a browser's storage.
 */
export class NewComputers {
  #known: Set<string> | null = null

  /** The list as it is now; returns the computers that are still news. */
  update(sessions: SessionView[]): SessionView[] {
    const before = this.#known
    const known = sessions.filter(({ id, current }) => before === null || before.has(id) || current)
    this.#known = new Set(known.map(({ id }) => id))
    return sessions.filter((session) => !known.includes(session))
  }

  /** Somebody has answered for this one. */
  dismiss(id: string): void {
    this.#known?.add(id)
  }
}
