import type { Attempt } from './attempt/attempt'
import { type Awaitable, chain } from './awaitable'
import type { Guard } from './rate-limit/limits'
import type { Change, EndedSession, Store } from './store'

/** The store operations that an update uses. */
export type UpdateStore = Pick<Store, 'findAttempt' | 'compareAndSet' | 'take'>

export interface UpdateOptions {
  /** The attempt as just read: saves a read. If it is out of date, the loop repeats. */
  from?: Attempt | null
  /** Counted once, whatever the outcome, before anything is written or refused. */
  guard?: Guard
}

/** A change that was written, or needed no write. */
export interface AppliedChange extends Change {
  /** The sessions that ended in the same step. */
  ended: readonly EndedSession[]
}

/**
 * The one optimistic loop: reads the attempt, decides with a pure function, then compares and sets.
 * If another write came first, `change` is called again with the attempt that is stored now.
 *
 * Returns null if the attempt does not exist. If the result contains a refusal, the caller throws
 * it: the attempt was written. With a synchronous store the result is synchronous.
 * @throws what `change` throws, with nothing written; and what `Store.compareAndSet` throws. With a
 * synchronous store errors are thrown, not returned as a rejected promise.
 */
export function updateAttempt(
  store: UpdateStore,
  id: string,
  change: (attempt: Attempt) => Change,
  { from = null, guard }: UpdateOptions = {},
): Awaitable<AppliedChange | null> {
  const decide = (before: Attempt | null): Awaitable<AppliedChange | null> => {
    if (before === null) return chain(count(store, guard), () => null)
    let changed: Change
    try {
      changed = change(before)
    } catch (error) {
      return chain(count(store, guard), () => {
        throw error
      })
    }
    if (changed.attempt === before) return chain(count(store, guard), () => ({ ...changed, ended: [] }))
    return chain(store.compareAndSet(before, changed, guard), (result) =>
      result.isWritten ? { ...changed, ended: result.ended } : decide(result.current),
    )
  }
  return from === null ? chain(store.findAttempt(id), decide) : decide(from)
}

/** Counts the guard alone if nothing is written: repeats and refusals count too. */
function count(store: UpdateStore, guard: Guard | undefined): Awaitable<void> {
  if (guard === undefined) return
  return chain(store.take(guard.counters, guard.now), (waitMs) => {
    if (waitMs > 0) throw guard.refuse(waitMs)
  })
}
