import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Attempt } from '../core/attempt/attempt'
import type { AttemptStep, Audit } from '../core/audit'
import type { ErrorCode } from '../core/errors'
import type { Store } from '../core/store'
import { STORE_OPERATIONS, timeStore } from './measured-store'
import {
  ATTEMPT_OUTCOMES,
  type AttemptOutcome,
  DELIVERY_OUTCOMES,
  type DeliveryOutcome,
  LIMITED_RULES,
  OBSERVED,
  type ObservedName,
  STORE_FAILURE_KINDS,
  type StoreFailureKind,
  TRANSPORTS,
} from './names'
import type { Reading, Recorder } from './recorder'

/** The time for a person to read, type a number and tap. The two lifetimes limit it to 180 s. */
const SIGN_IN_BUCKETS_S = [1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 180]

/** The embedded store takes microseconds, a shared one milliseconds, with a timeout of 500 ms. */
const STORE_BUCKETS_S = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]

/**
 * Default metrics that are removed: their labels are internal class names, which change, and two of
 * them take time for each open connection.
 */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_gc_duration_seconds',
]

export interface MetricsOptions {
  version: string
  /** All codes of refusals. */
  codes: readonly ErrorCode[]
  /** The kind of a store failure; null for any other error. */
  storeFailureKind: (error: unknown) => StoreFailureKind | null
  /** The number of open streams or long polls of a transport. */
  countStreams: (transport: (typeof TRANSPORTS)[number]) => number
  /** Monotonic, in ms. */
  now: () => number
}

/**
 * The Prometheus metrics of a process. Every series of a closed label list exists from the start,
 * at 0: events change values, not the number of series.
 */
export class Metrics implements Recorder {
  readonly #options: MetricsOptions
  readonly #registry = new Registry()
  readonly #readings = new Map<ObservedName, Reading>()
  readonly #attempts: Counter<'outcome'>
  readonly #signIns: Histogram
  readonly #store: Histogram<'operation'>
  readonly #storeErrors: Counter<'kind'>
  readonly #refusals: Counter<'code'>
  readonly #limited: Counter<'rule'>
  readonly #deliveries: Counter<'outcome'>
  #durabilityFailures = 0

  constructor(options: MetricsOptions) {
    this.#options = options
    const { version, codes, countStreams } = options
    const registers = [this.#registry]
    this.#attempts = this.#counter('attempts_total', 'Attempts, by what they came to.', 'outcome', ATTEMPT_OUTCOMES)
    this.#signIns = new Histogram({
      name: 'qr_login_sign_in_seconds',
      help: 'From the first scan to the redeem.',
      buckets: SIGN_IN_BUCKETS_S,
      registers,
    })
    this.#store = new Histogram({
      name: 'qr_login_store_seconds',
      help: 'How long the store took, by operation; failures included.',
      labelNames: ['operation'],
      buckets: STORE_BUCKETS_S,
      registers,
    })
    for (const operation of STORE_OPERATIONS) this.#store.zero({ operation })
    const kinds = STORE_FAILURE_KINDS
    this.#storeErrors = this.#counter('store_errors_total', 'Failures of the store, by kind.', 'kind', kinds)
    this.#refusals = this.#counter('refusals_total', 'Requests refused, by the code of the response.', 'code', codes)
    const rules = LIMITED_RULES
    this.#limited = this.#counter('limited_total', 'Requests refused because a limit was reached.', 'rule', rules)
    const tries = 'Tries to deliver events, by what they came to.'
    this.#deliveries = this.#counter('outbox_deliveries_total', tries, 'outcome', DELIVERY_OUTCOMES)
    new Gauge({
      name: 'qr_login_streams',
      help: 'Open streams and long polls.',
      labelNames: ['transport'],
      registers,
      collect() {
        for (const transport of TRANSPORTS) this.set({ transport }, countStreams(transport))
      },
    })
    const build = { name: 'qr_login_build_info', help: 'Always 1.', labelNames: ['version'] as const, registers }
    new Gauge(build).set({ version }, 1)
    for (const name of Object.keys(OBSERVED) as ObservedName[]) this.#registerReading(name)
    this.observe('fence_failures_total', () => this.#durabilityFailures)
    collectDefaultMetrics({ register: this.#registry })
    for (const name of LEFT_OUT) this.#registry.removeSingleMetric(name)
  }

  /** The media type of `toText`. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** All metrics in the text format of Prometheus. */
  async toText(): Promise<string> {
    return await this.#registry.metrics()
  }

  recordStep(step: AttemptStep, attempt: Attempt): void {
    this.#attempts.inc({ outcome: outcomeOf(step, attempt) })
    if (step !== 'redeemed' || attempt.status !== 'redeemed') return
    const { scannedAt } = attempt.scan
    if (scannedAt !== undefined) this.#signIns.observe(Math.max(0, attempt.endedAt - scannedAt) / 1_000)
  }

  recordExpiry(): void {
    this.#attempts.inc({ outcome: 'expired' })
  }

  recordDelivery(outcome: DeliveryOutcome): void {
    this.#deliveries.inc({ outcome })
  }

  countRefusals(audit: Audit): Audit {
    const known = new Set<string>(LIMITED_RULES)
    return (event) => {
      audit(event)
      if (event.event !== 'refused' && event.event !== 'limited') return
      this.#refusals.inc({ code: event.code })
      if (event.limit !== undefined) this.#limited.inc({ rule: known.has(event.limit) ? event.limit : 'other' })
    }
  }

  measureStore(store: Store): Store {
    const { now, storeFailureKind } = this.#options
    const timers = new Map(STORE_OPERATIONS.map((operation) => [operation, this.#store.labels({ operation })]))
    return timeStore(store, {
      now,
      onDone: (operation, ms) => timers.get(operation)?.observe(ms / 1_000),
      onError: (operation, error) => {
        const kind = storeFailureKind(error)
        if (kind === null) return
        this.#storeErrors.inc({ kind })
        if (operation === 'confirmDurable') this.#durabilityFailures += 1
      },
    })
  }

  observe(name: ObservedName, read: Reading): void {
    this.#readings.set(name, read)
  }

  #counter<L extends string>(name: string, help: string, label: L, values: readonly string[]): Counter<L> {
    const registers = [this.#registry]
    const counter = new Counter({ name: `qr_login_${name}`, help, labelNames: [label], registers })
    for (const value of values) counter.inc({ [label]: value } as Record<L, string>, 0)
    return counter
  }

  #registerReading(name: ObservedName): void {
    const read = async () => {
      try {
        return (await this.#readings.get(name)?.()) ?? null
      } catch {
        return null
      }
    }
    const facts = { name: `qr_login_${name}`, help: OBSERVED[name], registers: [this.#registry] }
    if (name.endsWith('_total')) {
      new Counter({
        ...facts,
        async collect() {
          const value = await read()
          this.remove()
          if (value !== null) this.inc(value)
        },
      })
      return
    }
    new Gauge({
      ...facts,
      async collect() {
        const value = await read()
        this.remove()
        if (value !== null) this.set(value)
      },
    })
  }
}

function outcomeOf(step: AttemptStep, attempt: Attempt): AttemptOutcome {
  if (step !== 'cancelled') return step
  return attempt.status === 'cancelled' ? `cancelled_by_${attempt.cancelledBy}` : 'cancelled_by_phone'
}
