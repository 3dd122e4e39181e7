import type { Attempt } from '../core/attempt/attempt'
import type { AttemptStep, Audit } from '../core/audit'
import type { Store } from '../core/store'
import type { ObservedName } from './names'

/** A value as it is now; null when it is not known: then it has no sample. */
export type Reading = () => number | null | Promise<number | null>

/** Where the parts of the process report what happens. */
export interface Recorder {
  /** A step of an attempt, as it is after it. */
  recordStep(step: AttemptStep, attempt: Attempt): void
  /** An attempt that is read in this process has run out of time. */
  recordExpiry(): void
  /** Counts the refusals that are written to the log. */
  countRefusals(audit: Audit): Audit
  /**
   * Times every operation of a store and counts its failures. Answers stay as they are, synchronous
   * ones included.
   */
  measureStore(store: Store): Store
  /**
   * Reads a value at each scrape. The last reading of a name counts. A reading that throws is not
   * known.
   */
  observe(name: ObservedName, read: Reading): void
}

/** Without METRICS_TOKEN: nothing is recorded, and nothing stands in the way. */
export const NO_RECORDER: Recorder = {
  recordStep: () => {},
  recordExpiry: () => {},
  countRefusals: (audit) => audit,
  measureStore: (store) => store,
  observe: () => {},
}
