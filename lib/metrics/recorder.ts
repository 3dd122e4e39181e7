import type { Attempt } from '../core/attempt/attempt'
import type { AttemptStep, Audit } from '../core/audit'
import type { Store } from '../core/store'
import type { DeliveryOutcome, ObservedName } from './names'

/** Returns the current value. Null: unknown, the metric has no sample. */
export type Reading = () => number | null | Promise<number | null>

/** Receives what the components of the process measure. */
export interface Recorder {
  /** Counts a step. `attempt`: as it is after the step. */
  recordStep(step: AttemptStep, attempt: Attempt): void
  /** Counts an expiry: an attempt has expired while a client of this process read it. */
  recordExpiry(): void
  /** Counts a try to deliver an event. */
  recordDelivery(outcome: DeliveryOutcome): void
  /** Returns an audit that also counts the refusals. */
  countRefusals(audit: Audit): Audit
  /**
   * Returns the store with timed operations and counted failures. Results are passed on unchanged;
   * synchronous results stay synchronous.
   */
  measureStore(store: Store): Store
  /**
   * Registers the function that reads a value at each scrape, instead of an earlier one with this
   * name. If it throws, the metric has no sample.
   */
  observe(name: ObservedName, read: Reading): void
}

/** The recorder without METRICS_TOKEN: records nothing. */
export const NO_RECORDER: Recorder = {
  recordStep: () => {},
  recordExpiry: () => {},
  recordDelivery: () => {},
  countRefusals: (audit) => audit,
  measureStore: (store) => store,
  observe: () => {},
}
