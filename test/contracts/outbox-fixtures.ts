import { toLimitedEvent } from '../../lib/core/outbox/event'
import type { Claim, ClaimRequest, OutboxStore } from '../../lib/core/outbox/outbox-store'
import { T0 } from '../support/fixtures'

export const LEASE_MS = 1_000

/** Claims what is due; by default everything. */
export async function claim(store: OutboxStore, now = T0, request: Partial<ClaimRequest> = {}): Promise<Claim[]> {
  const room = { unsorted: 100, deliveries: 100, perEndpoint: 100, room: {} }
  return await store.claimEvents({ now, leaseEndsAt: now + LEASE_MS, ...room, ...request })
}

/** Claims and completes until nothing is due. Returns what was claimed, in order. */
export async function takeAll(store: OutboxStore, now = T0): Promise<Claim[]> {
  const all: Claim[] = []
  for (;;) {
    const claims = await claim(store, now)
    for (const each of claims) await store.completeClaim(each, [], now)
    if (claims.length === 0) return all
    all.push(...claims)
  }
}

let keys = 0

/** Writes an event of this person that no other one replaces. */
export async function append(store: OutboxStore, personId: string, at = T0): Promise<void> {
  keys += 1
  await store.appendEvent(toLimitedEvent(personId, 'scan', at), { key: `key ${keys}`, until: at + 1 })
}
