/** The embedded store returns synchronously, a shared store a promise. Callers `await` both. */
export type Awaitable<T> = T | Promise<T>

/**
 * Calls `next` with the value: synchronously if it is no promise, otherwise when the promise is
 * fulfilled. An error of `next` is thrown or rejected accordingly.
 */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
