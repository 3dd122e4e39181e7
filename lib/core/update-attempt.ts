import type { Attempt } from './attempt/attempt'
import { type Awaitable, chain } from './awaitable'
import type { Guard } from './rate-limit/limits'
import type { Change, Ended, Store } from './store'

/** The operations of a store that an update consists of. */
export type UpdateStore = Pick<Store, 'findAttempt' | 'compareAndSet' | 'take'>

export interface UpdateOptions {
  /** The attempt as just read: saves a read. Where it is out of date, it is read again. */
  from?: Attempt | null
  /** Counted once, whatever the change leads to, before anything is written or refused. */
  guard?: Guard
}

/** A change that was made, or was not needed. */
export interface Changed extends Change {
  /** The sessions that ended with it. */
  ended: readonly Ended[]
}

/**
 * The one optimistic loop: read the attempt, decide by a pure function, compare and set. Where
 * another process was faster, `change` is called again with the attempt that is stored now.
 *
 * Null when there is no such attempt. A refusal in the outcome is the caller's to throw: it comes
 * with a write. The answer of a synchronous store is synchronous.
 * @throws what `change` throws, with nothing written; what `Store.compareAndSet` throws. A promise
 * is rejected only where the store has answered with one: otherwise the error is thrown.
 */
export function updateAttempt(
  store: UpdateStore,
  id: string,
  change: (attempt: Attempt) => Change,
  { from = null, guard }: UpdateOptions = {},
): Awaitable<Changed | null> {
  const decide = (before: Attempt | null): Awaitable<Changed | null> => {
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

/**
 * Where nothing will be written, the guard is counted by itself: repeats and refusals count too.
 */
function count(store: UpdateStore, guard: Guard | undefined): Awaitable<void> {
  if (guard === undefined) return
  return chain(store.take(guard.counters, guard.now), (waitMs) => {
    if (waitMs > 0) throw guard.refuse(waitMs)
  })
}
