import type { Awaitable } from '../awaitable'
import type { OutboxEvent } from './event'

/** The endpoint of the queues of events that are not yet turned into deliveries. */
export const UNSORTED = ''

/** What has to be sent to one endpoint because of an event. */
export interface Delivery {
  /** Names the receiver: printable, not empty, the same in every process. */
  endpoint: string
  /** What the endpoint needs besides the event. */
  detail?: string
}

/** The oldest entry of a queue, which no other process gets until the lease has ended. */
export interface Claim {
  /** `UNSORTED`: the event is to be turned into deliveries. */
  endpoint: string
  event: OutboxEvent
  detail: string | null
  /** How often it was tried before. */
  tries: number
  /** Different for each claim of a queue. */
  lease: string
}

export interface ClaimRequest {
  /** Epoch ms. */
  now: number
  /** When the claims end (epoch ms). */
  leaseEndsAt: number
  /** How many events that are not yet deliveries. */
  unsorted: number
  /** How many deliveries in all. */
  deliveries: number
  /** How many deliveries of an endpoint that `room` does not name. */
  perEndpoint: number
  /** How many deliveries of these endpoints. */
  room: Readonly<Record<string, number>>
}

/**
 * The port for events that other systems are told of. A queue holds the entries of one person for
 * one endpoint: entries of a queue are claimed one at a time, in the order they were written, and
 * queues do not wait for each other. An entry is removed by `completeClaim` only, so that it is
 * delivered at least once.
 *
 * Every adapter passes `test/contracts/store-outbox.ts` and `store-claims.ts`.
 */
export interface OutboxStore {
  /**
   * Events are written from now on; before this call none is, by this process. `onWrite` is called
   * after a step of this process has written events.
   */
  writeEvents(onWrite: () => void): void
  /**
   * Writes an event that belongs to no other change, unless one with this key was written whose
   * `until` (epoch ms) has not passed. Does nothing if the outbox is full, and before
   * `writeEvents`.
   */
  appendEvent(event: OutboxEvent, once: { key: string; until: number }): Awaitable<void>
  /** Claims the oldest entries of queues that are due: those that have waited longest first. */
  claimEvents(request: ClaimRequest): Awaitable<Claim[]>
  /**
   * Removes the entry, and appends these deliveries of its event, in one step. The next entry of
   * the queue is due at once. False, and nothing is written, if the claim has ended and another one
   * was made.
   */
  completeClaim(claim: Claim, deliveries: readonly Delivery[], now: number): Awaitable<boolean>
  /** Leaves the entry in its queue until `dueAt` (epoch ms). False as for `completeClaim`. */
  retryClaim(claim: Claim, dueAt: number): Awaitable<boolean>
  /** The number of events and deliveries that are waiting. */
  countEvents(): Awaitable<number>
}

/**
 * The number of entries beyond which scans and sign-ins are refused with `FullError`. Cancels and
 * sign-outs are always written.
 */
export const MAX_EVENTS = 500_000

/** Entries that no process has claimed are deleted after this time: longer than any retries. */
export const EVENT_LIFE_MS = 4 * 24 * 3_600_000
