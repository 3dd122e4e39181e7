const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS

/** The time to the next try, after each of the first tries; the last value repeats. */
const DELAYS_MS = [5 * SECOND_MS, 30 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 120 * MINUTE_MS]

/** Up to this share is added at random, so that the tries of an outage spread out. */
const JITTER = 0.25

/** In ms. `tries`: how many came before the one that has failed. `random`: from 0 to below 1. */
export function retryDelayMs(tries: number, random: number): number {
  const delayMs = DELAYS_MS[Math.min(tries, DELAYS_MS.length - 1)] as number
  return Math.round(delayMs * (1 + JITTER * random))
}
