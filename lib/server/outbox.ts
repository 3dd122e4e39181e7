import type { OutboxTarget } from '../apps/outbox/target'
import { Webhooks } from '../apps/outbox/webhooks'
import { OutboxWorker } from '../apps/outbox/worker'
import type { OutboxStore } from '../core/outbox/outbox-store'
import type { Recorder } from '../metrics/recorder'
import { outboundFetch } from './account-sources'
import type { Config } from './config'
import type { Log } from './log'

interface OutboxParts {
  store: OutboxStore
  log: Log
  recorder: Recorder
  /** Receivers besides the webhook. */
  others: readonly OutboxTarget[]
  now: () => number
  wall: () => number
}

/**
 * Starts to write and deliver events. Null: no setting names a receiver, nothing is written, and
 * nothing is claimed.
 */
export function createOutbox(
  config: Config,
  { store, log, recorder, others, now, wall }: OutboxParts,
): OutboxWorker | null {
  const { webhook } = config
  const targets = [...others]
  if (webhook !== null) targets.push(new Webhooks({ settings: webhook, fetch: outboundFetch(config), wall }))
  if (targets.length === 0) return null
  const count = recorder.recordDelivery.bind(recorder)
  const worker = new OutboxWorker({ store, targets, log, count, now, random: Math.random })
  recorder.observe('outbox_depth', () => store.countEvents())
  worker.start()
  return worker
}

/**
 * Ends the deliveries, then closes the store. Without deliveries in flight, the store is closed
 * before it returns: a process that exits awaits nothing.
 */
export async function closeOutbox(outbox: OutboxWorker | null, closeStore: () => Promise<void> | void): Promise<void> {
  const settled = outbox?.close() ?? null
  if (settled !== null) await settled
  await closeStore()
}
