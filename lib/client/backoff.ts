const MIN_MS = 1_000
const MAX_MS = 30_000

/**
 * The delay before the next try after `failures` consecutive failures: exponential backoff with
 * jitter, from 1 s to a ceiling that doubles up to 30 s. `random` is in [0, 1).
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(MAX_MS, MIN_MS * 2 ** Math.min(failures, 10))
  return MIN_MS + random * (ceiling - MIN_MS)
}
