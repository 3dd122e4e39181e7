import { type AnySession, endsTrust, MAX_PHONES } from '../../core/session/session'
import type { Beginning, Ended } from '../../core/store'
import type { Batch } from './client/batch'
import type { Reply } from './client/redis'
import { toTrimmed } from './documents'

/**
 * Sessions that a person can have: more are those of older versions, and they end one after the
 * other.
 */
export const MOST_LISTED = { computer: 1_000, phone: MAX_PHONES }

/** Of 64 sessions each, for one sign-out. */
const MOST_STEPS = 1_000

export interface RedisEndingsOptions {
  onError: (error: unknown) => void
  /** Receives the sessions that a step has ended whose caller does not wait for it. */
  onEnded?: (ended: readonly Ended[]) => void
}

/** Ends a person's sessions in steps of a bounded number, however many there are. */
export class RedisEndings {
  readonly #batch: Batch
  readonly #options: RedisEndingsOptions

  constructor(batch: Batch, options: RedisEndingsOptions) {
    this.#batch = batch
    this.#options = options
  }

  /**
   * What has ended with the step that began a session. What that step has left ends in further
   * ones, which the caller does not wait for; where they fail, the next sign-in ends it.
   */
  onBegun({ session, keeps, now, by, idleMs }: Beginning, begun: Reply | undefined): Ended[] {
    const { ended, left } = toTrimmed(begun)
    const { onEnded = () => {}, onError } = this.#options
    const which = { keeps, except: '', now, by, forgets: endsTrust(by), idleMs }
    if (left > 0) this.trim(session.kind, session.person.id, which).then(onEnded, onError)
    return ended
  }

  /** Ends the oldest until so many are kept. What had ended before a failure goes to `onEnded`. */
  async trim(kind: AnySession['kind'], personId: string, which: object): Promise<Ended[]> {
    const all: Ended[] = []
    try {
      for (let steps = 0; steps < MOST_STEPS; steps += 1) {
        const [trimmed] = await this.#batch.run(['trim', kind, personId, which])
        const { ended, left } = toTrimmed(trimmed)
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
