import { type AnySession, endsTrust, MAX_PHONES } from '../../core/session/session'
import type { EndedSession, SessionStart } from '../../core/store'
import type { Batch } from './client/batch'
import type { Reply } from './client/redis'
import { toTrimmed } from './documents'
import type { RedisOutbox } from './outbox'

/** The maximum length of a list. A person has more sessions only from older versions. */
export const MAX_LISTED = { computer: 1_000, phone: MAX_PHONES }

/** The maximum number of steps for one sign-out, with up to 64 sessions each. */
const MAX_STEPS = 1_000

export interface SessionTrimmerOptions {
  onError: (error: unknown) => void
  /** Receives sessions that ended in a step whose caller does not wait for it. */
  onEnded?: (ended: readonly EndedSession[]) => void
}

/** Ends a person's sessions in steps of bounded size, however many there are. */
export class SessionTrimmer {
  readonly #batch: Batch
  readonly #options: SessionTrimmerOptions
  readonly #outbox: RedisOutbox

  constructor(batch: Batch, options: SessionTrimmerOptions, outbox: RedisOutbox) {
    this.#batch = batch
    this.#options = options
    this.#outbox = outbox
  }

  /**
   * Returns the sessions that ended in the step that began a session. If that step has left more,
   * they end in further steps, which the caller does not wait for. If these fail, the next sign-in
   * repeats them.
   */
  afterBegin({ session, keeps, now, by, idleMs }: SessionStart, begun: Reply | undefined): EndedSession[] {
    const { ended, left } = toTrimmed(begun)
    const { onEnded = () => {}, onError } = this.#options
    const options = { keeps, except: '', now, by, forgets: endsTrust(by), idleMs }
    if (left > 0) this.trim(session.kind, session.person.id, options).then(onEnded, onError)
    return ended
  }

  /**
   * Ends the oldest sessions until `keeps` are left. After a failure, `onEnded` receives the
   * sessions that had ended before it.
   */
  async trim(kind: AnySession['kind'], personId: string, options: object): Promise<EndedSession[]> {
    const all: EndedSession[] = []
    try {
      for (let steps = 0; steps < MAX_STEPS; steps += 1) {
        const tells = this.#outbox.isOn
        const [trimmed] = await this.#batch.run(['trim', kind, personId, { ...options, tells }])
        const { ended, left } = toTrimmed(trimmed)
        if (ended.length > 0) this.#outbox.notify()
        all.push(...ended)
        if (left === 0) break
      }
      return all
    } catch (error) {
      this.#options.onEnded?.(all)
      throw error
    }
  }
}
