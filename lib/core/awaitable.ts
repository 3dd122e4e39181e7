/** Embedded stores answer at once; shared ones answer later. Callers `await` either. */
export type Awaitable<T> = T | Promise<T>

/**
 * Calls `next` with the value: at once where it is there already, so that no microtask is spent on
 * it, otherwise when the promise is fulfilled. What `next` throws is thrown or rejected
 * accordingly.
 */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
