const LEAST_MS = 1_000
const MOST_MS = 30_000

/**
 * How long to wait before the next try after `failures` failures in a row: full jitter over a range
 * that doubles, from 1 s to 30 s, without end. `random` is in [0, 1).
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(MOST_MS, LEAST_MS * 2 ** Math.min(failures, 10))
  return LEAST_MS + random * (ceiling - LEAST_MS)
}
