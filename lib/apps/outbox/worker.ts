import { type Claim, type ClaimRequest, type OutboxStore, UNSORTED } from '../../core/outbox/outbox-store'
import type { DeliveryOutcome } from '../../metrics/names'
import { retryDelayMs } from './backoff'
import type { OutboxTarget } from './target'

/** The deadline of one try. */
const DEADLINE_MS = 10_000

/**
 * Longer than a try and the writes around it. A delivery of a process that was killed is repeated
 * after this time.
 */
const LEASE_MS = 30_000

/** How often it looks for what is due, without a write of this process. */
const POLL_MS = 1_000

/** Events that are turned into deliveries at once. It takes a store access each. */
const MAX_UNSORTED = 32

/**
 * Requests in flight: each needs a file descriptor, and the server keeps 24 in reserve
 * (`findConnectionLimit`).
 */
const MAX_IN_FLIGHT = 16

/**
 * Requests in flight to one endpoint: enough for 40 deliveries a second at 50 ms each. Eight
 * endpoints that hang would use all of `MAX_IN_FLIGHT`, so an endpoint whose last try has failed
 * gets one.
 */
const MAX_PER_ENDPOINT = 2
const MAX_PER_FAILING = 1
/** All of those together: the others always have the rest. */
const MAX_OF_FAILING = MAX_IN_FLIGHT / 2

/** How long `close` waits for tries in flight before it aborts them. */
const CLOSE_MS = 1_000

/** The part of a logger that is used. */
interface OutboxLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export interface OutboxWorkerOptions {
  store: OutboxStore
  targets: readonly OutboxTarget[]
  log: OutboxLog
  count: (outcome: DeliveryOutcome) => void
  /** The store's clock (epoch ms). */
  now: () => number
  /** From 0 to below 1. */
  random: () => number
}

/**
 * Delivers the events of the store: at least once, in order per person and endpoint. Any number of
 * workers may run on one store.
 */
export class OutboxWorker {
  readonly #options: OutboxWorkerOptions
  /** Tries in flight by endpoint, `UNSORTED` included. */
  readonly #inFlight = new Map<string, number>()
  /** Endpoints whose last try has failed. */
  readonly #failing = new Set<string>()
  readonly #running = new Set<Promise<void>>()
  /** One for each try in flight. */
  readonly #tries = new Set<AbortController>()
  #poll: NodeJS.Timeout | null = null
  #isScheduled = false
  #isClaiming = false
  #isAgainDue = false
  #isStoreAway = false
  #isStopped = false
  #isAborted = false

  constructor(options: OutboxWorkerOptions) {
    this.#options = options
  }

  /** From now on the store writes events, and they are delivered. */
  start(): void {
    this.#options.store.writeEvents(() => this.#wake())
    this.#poll = setInterval(() => this.#wake(), POLL_MS)
    this.#poll.unref()
    this.#wake()
  }

  /** Claims nothing more. Tries in flight go on. */
  stop(): void {
    this.#isStopped = true
    if (this.#poll !== null) clearInterval(this.#poll)
  }

  /**
   * Stops, and waits for tries in flight; after one second it aborts them, and they are repeated by
   * the next process. Null: there are none.
   */
  close(): Promise<void> | null {
    this.stop()
    return this.#running.size === 0 ? null : this.#settle()
  }

  async #settle(): Promise<void> {
    const late = setTimeout(() => {
      this.#isAborted = true
      for (const each of this.#tries) each.abort()
    }, CLOSE_MS)
    while (this.#running.size > 0) await Promise.all(this.#running)
    clearTimeout(late)
  }

  #wake(): void {
    if (this.#isScheduled || this.#isStopped) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#track(this.#claim())
    })
  }

  /** Claims until nothing is due, or there is no room. One run at a time. */
  async #claim(): Promise<void> {
    this.#isAgainDue = true
    if (this.#isClaiming) return
    this.#isClaiming = true
    try {
      while (this.#isAgainDue && !this.#isStopped) {
        this.#isAgainDue = false
        const request = this.#toRequest()
        const claims = await this.#options.store.claimEvents(request)
        for (const claim of claims) this.#track(this.#process(claim))
        this.#noticeStore(null)
        if (claims.length > 0) this.#isAgainDue = this.#hasRoom()
      }
    } catch (error) {
      this.#noticeStore(error)
    } finally {
      this.#isClaiming = false
    }
  }

  #toRequest(): ClaimRequest {
    const now = this.#options.now()
    const endpoints = new Set([...this.#inFlight.keys(), ...this.#failing])
    endpoints.delete(UNSORTED)
    const room: Record<string, number> = {}
    let roomOfFailing = MAX_OF_FAILING - [...this.#failing].reduce((sum, each) => sum + this.#inFlightOf(each), 0)
    for (const endpoint of endpoints) {
      const isFailing = this.#failing.has(endpoint)
      const own = Math.max(0, (isFailing ? MAX_PER_FAILING : MAX_PER_ENDPOINT) - this.#inFlightOf(endpoint))
      room[endpoint] = isFailing ? Math.min(own, Math.max(0, roomOfFailing)) : own
      if (isFailing) roomOfFailing -= room[endpoint]
    }
    const unsorted = MAX_UNSORTED - this.#inFlightOf(UNSORTED)
    const deliveries = MAX_IN_FLIGHT - this.#countDeliveries()
    return { now, leaseEndsAt: now + LEASE_MS, unsorted, deliveries, perEndpoint: MAX_PER_ENDPOINT, room }
  }

  #hasRoom(): boolean {
    return this.#inFlightOf(UNSORTED) < MAX_UNSORTED || this.#countDeliveries() < MAX_IN_FLIGHT
  }

  #countDeliveries(): number {
    const all = [...this.#inFlight.values()].reduce((sum, count) => sum + count, 0)
    return all - this.#inFlightOf(UNSORTED)
  }

  #inFlightOf(endpoint: string): number {
    return this.#inFlight.get(endpoint) ?? 0
  }

  async #process(claim: Claim): Promise<void> {
    const { endpoint } = claim
    this.#inFlight.set(endpoint, this.#inFlightOf(endpoint) + 1)
    try {
      await (endpoint === UNSORTED ? this.#sort(claim) : this.#deliver(claim))
    } catch (error) {
      // The store has failed: the claim ends with its lease.
      this.#noticeStore(error)
    } finally {
      const left = this.#inFlightOf(endpoint) - 1
      if (left === 0) this.#inFlight.delete(endpoint)
      else this.#inFlight.set(endpoint, left)
      this.#wake()
    }
  }

  /** Turns an event into its deliveries. */
  async #sort(claim: Claim): Promise<void> {
    const { store, targets, now } = this.#options
    const deliveries = await Promise.all(targets.map(async (target) => await target.deliveriesOf(claim.event)))
    await store.completeClaim(claim, deliveries.flat(), now())
  }

  async #deliver(claim: Claim): Promise<void> {
    const { store, targets, log, now, random, count } = this.#options
    const { endpoint, event, tries } = claim
    const target = targets.find((each) => each.owns(endpoint))
    const facts = { endpoint, type: event.type, at: new Date(event.at).toISOString(), tries: tries + 1 }
    let outcome: 'delivered' | 'gone'
    try {
      outcome = await this.#send(target, claim)
    } catch (err) {
      this.#noticeFailure(endpoint, err)
      // The settings of this process may be older than those of the one that has written it.
      const lifeMs = target?.lifeMs ?? Math.max(0, ...targets.map((each) => each.lifeMs))
      if (now() - event.at > lifeMs) {
        log.error({ ...facts, err }, 'a delivery was dropped: it has failed for too long')
        count('dropped')
        await store.completeClaim(claim, [], now())
        return
      }
      count('retried')
      await store.retryClaim(claim, now() + (this.#isAborted ? 0 : retryDelayMs(tries, random())))
      return
    }
    if (this.#failing.delete(endpoint)) log.info({ endpoint }, 'deliveries succeed again')
    if (outcome === 'gone') log.error(facts, 'a delivery was dropped: the receiver wants no more tries')
    count(outcome === 'gone' ? 'dropped' : 'delivered')
    await store.completeClaim(claim, [], now())
  }

  async #send(target: OutboxTarget | undefined, { endpoint, event, detail }: Claim): Promise<'delivered' | 'gone'> {
    if (target === undefined) throw new Error('no setting names this endpoint')
    // `AbortSignal.any` of a timeout can be garbage-collected before it aborts.
    const controller = new AbortController()
    const late = setTimeout(() => controller.abort(), DEADLINE_MS)
    this.#tries.add(controller)
    if (this.#isAborted) controller.abort()
    try {
      return await target.send({ endpoint, event, detail, signal: controller.signal })
    } finally {
      clearTimeout(late)
      this.#tries.delete(controller)
    }
  }

  /** One line when an endpoint begins to fail, and one when it works again. */
  #noticeFailure(endpoint: string, err: unknown): void {
    // To the end of the set: those that fail take turns.
    const wasFailing = this.#failing.delete(endpoint)
    this.#failing.add(endpoint)
    if (!wasFailing) this.#options.log.warn({ endpoint, err }, 'deliveries fail, and are repeated')
  }

  /** One line when the store begins to fail. Null: it works. */
  #noticeStore(err: unknown): void {
    const isNew = err !== null && !this.#isStoreAway && !this.#isStopped
    this.#isStoreAway = err !== null
    if (isNew) this.#options.log.warn({ err }, 'events cannot be delivered: the store fails')
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }
}
