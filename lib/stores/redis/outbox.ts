import { randomUUID } from 'node:crypto'
import type { OutboxEvent } from '../../core/outbox/event'
import { type Claim, type ClaimRequest, type Delivery, MAX_EVENTS } from '../../core/outbox/outbox-store'
import { MAX_USED } from '../../core/rate-limit/limits'
import type { Batch } from './client/batch'
import type { Reply } from './client/redis'

/** The events of the shared store: steps of the script, and what they return. */
export class RedisOutbox {
  readonly #batch: Batch
  /** The number of events beyond which sign-ins are refused. */
  readonly max: number
  #onWrite: (() => void) | null = null

  constructor(batch: Batch, max = MAX_EVENTS) {
    this.#batch = batch
    this.max = max
  }

  /** See `OutboxStore.writeEvents`. */
  writeEvents(onWrite: () => void): void {
    this.#onWrite = onWrite
  }

  /** Whether steps of this process write events. */
  get isOn(): boolean {
    return this.#onWrite !== null
  }

  /** Call it after a step that may have written events. */
  notify(): void {
    this.#onWrite?.()
  }

  /** See `OutboxStore.appendEvent`. */
  async appendOnce(event: OutboxEvent, { key, until }: { key: string; until: number }): Promise<void> {
    if (!this.isOn) return
    const { personId, at } = event
    const append = ['append event', personId, toEntry(event), { at, maxEvents: this.max }] as const
    await this.#batch.run(['take once', key, until, at, MAX_USED], append)
    this.notify()
  }

  async claim(request: ClaimRequest): Promise<Claim[]> {
    const lease = randomUUID()
    const [claimed] = await this.#batch.run(['claim events', { ...request, lease }])
    return (claimed as Reply[]).map((found) => toClaim(found as Reply[], lease))
  }

  async complete(claim: Claim, deliveries: readonly Delivery[], now: number): Promise<boolean> {
    const { endpoint, event, lease } = claim
    const entries = deliveries.map((each) => [each.endpoint, toEntry(event, each.detail)])
    const [isDone] = await this.#batch.run(['complete event', endpoint, event.personId, lease, entries, now])
    return isDone === 1
  }

  async retry({ endpoint, event, lease }: Claim, dueAt: number): Promise<boolean> {
    const [isDone] = await this.#batch.run(['retry event', endpoint, event.personId, lease, dueAt])
    return isDone === 1
  }

  async count(): Promise<number> {
    const [count] = await this.#batch.run(['count events'])
    return Number(count)
  }
}

interface Entry {
  event: OutboxEvent
  detail?: string
}

/** The text of an entry. The script writes the same in `revoke`. */
export function toEntry(event: OutboxEvent, detail?: string): string {
  const entry: Entry = detail === undefined ? { event } : { event, detail }
  return JSON.stringify(entry)
}

function toClaim([endpoint, tries, text]: Reply[], lease: string): Claim {
  const { event, detail = null } = JSON.parse(String(text)) as Entry
  return { endpoint: String(endpoint), event, detail, tries: Number(tries), lease }
}
