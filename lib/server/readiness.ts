import type { Log } from './log'

/** How long a response of the store counts for all who ask, in ms. */
const SHARED_MS = 500

interface ReadinessOptions {
  /** Resolves when the store can be written; rejects within its own deadline. */
  ping: () => Promise<void>
  log: Pick<Log, 'error' | 'info'>
  /** Monotonic, in ms. */
  now: () => number
}

/**
 * Whether the store can be written. Requests share one response: the question is public, and costs
 * a write. What fails is logged once, when it begins, when its cause changes, and when it is over.
 */
export function createReadiness({ ping, log, now }: ReadinessOptions): () => Promise<boolean> {
  let shared: Promise<boolean> | null = null
  let endsAt = Number.POSITIVE_INFINITY
  let failing: string | null = null

  async function ask(): Promise<boolean> {
    try {
      await ping()
      if (failing !== null) log.info('the store can be written again')
      failing = null
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      if (cause !== failing) log.error({ err: error }, 'the store cannot be written')
      failing = cause
    }
    endsAt = now() + SHARED_MS
    return failing === null
  }

  return () => {
    if (shared === null || now() >= endsAt) {
      endsAt = Number.POSITIVE_INFINITY
      shared = ask()
    }
    return shared
  }
}
