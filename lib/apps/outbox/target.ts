import type { Awaitable } from '../../core/awaitable'
import type { OutboxEvent } from '../../core/outbox/event'
import type { Delivery } from '../../core/outbox/outbox-store'

/** A request to another server; the composition root guards where it may go. */
export type PostFetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string; signal: AbortSignal; discardsBody: true },
) => Promise<Response>

/** One try to deliver an event. */
export interface DeliveryTry {
  endpoint: string
  event: OutboxEvent
  /** As `deliveriesOf` returned it. */
  detail: string | null
  /** Aborts at the deadline of the try. */
  signal: AbortSignal
}

/**
 * A kind of receiver, with one or several endpoints: the team's webhook; an app that is notified of
 * sign-outs. Store and worker know nothing else about it.
 */
export interface OutboxTarget {
  /**
   * The endpoints that are told of the event. Called again if its result was not written: it has to
   * return the same.
   */
  deliveriesOf(event: OutboxEvent): Awaitable<readonly Delivery[]>
  /** Whether deliveries to this endpoint are its own. */
  owns(endpoint: string): boolean
  /** How long after the event a delivery is repeated, in ms. */
  readonly lifeMs: number
  /**
   * `gone`: the receiver wants no further tries.
   * @throws any error if the delivery has to be repeated. Its message is logged: it contains no
   * secret.
   */
  send(sending: DeliveryTry): Promise<'delivered' | 'gone'>
}
