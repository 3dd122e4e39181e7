import { beforeEach, describe, expect, test } from 'vitest'
import { type Claim, type ClaimRequest, UNSORTED } from '../../lib/core/outbox/outbox-store'
import type { Store } from '../../lib/core/store'
import { T0 } from '../support/fixtures'
import { append, claim, LEASE_MS, takeAll } from './outbox-fixtures'
import type { StoreUnderTest } from './store-fixtures'

/** The contract of events: how they are claimed, repeated and removed. */
export function describeClaims(current: () => StoreUnderTest): void {
  let store: Store
  beforeEach(() => {
    store = current().store
  })

  /** Moves the events of a person to deliveries of these endpoints. */
  const deliverTo = async (endpoints: string[], personId: string) => {
    for (const each of await claim(store, T0, { deliveries: 0 })) {
      if (each.event.personId !== personId) throw new Error('another person has events')
      await store.completeClaim(
        each,
        endpoints.map((endpoint) => ({ endpoint })),
        T0,
      )
    }
  }

  describe('a claim', () => {
    beforeEach(() => store.writeEvents(() => {}))

    test('is of the oldest entry of its queue; the next one follows when it is completed', async () => {
      for (const at of [0, 1, 2]) await append(store, 'ada', T0 + at)
      await append(store, 'lin', T0 + 5)
      const first = await claim(store, T0 + 9)
      expect(first.map(({ event }) => [event.personId, event.at - T0])).toEqual([
        ['ada', 0],
        ['lin', 5],
      ])
      expect(first).toMatchObject([{ endpoint: UNSORTED, tries: 0, detail: null }, { endpoint: UNSORTED }])
      expect(await claim(store, T0 + 9)).toEqual([])
      expect(await store.completeClaim(first[0] as Claim, [], T0 + 9)).toBe(true)
      const [second] = await claim(store, T0 + 9)
      expect(second?.event).toMatchObject({ personId: 'ada', at: T0 + 1 })
      expect(await store.countEvents()).toBe(3)
    })

    test('that has ended is made again, and the ended one changes nothing', async () => {
      await append(store, 'ada')
      const [ended] = await claim(store)
      expect(await claim(store, T0 + LEASE_MS - 1)).toEqual([])
      const [again] = await claim(store, T0 + LEASE_MS)
      expect(again?.event).toEqual(ended?.event)
      expect(await store.completeClaim(ended as Claim, [{ endpoint: 'webhook' }], T0)).toBe(false)
      expect(await store.retryClaim(ended as Claim, T0)).toBe(false)
      expect(await claim(store, T0 + LEASE_MS)).toEqual([])
      expect(await store.completeClaim(again as Claim, [], T0)).toBe(true)
      expect(await store.completeClaim(again as Claim, [], T0)).toBe(false)
      expect(await store.countEvents()).toBe(0)
    })

    test('that has ended does not remove the next entry of an equal queue', async () => {
      await append(store, 'ada')
      const [ended] = await claim(store)
      await takeAll(store, T0 + LEASE_MS)
      await append(store, 'ada', T0 + LEASE_MS)
      const [other] = await claim(store, T0 + LEASE_MS)
      expect(await store.completeClaim(ended as Claim, [], T0)).toBe(false)
      expect(await store.completeClaim(other as Claim, [], T0)).toBe(true)
    })

    test('of concurrent claims of two connections exactly one gets the entry', async () => {
      const other = await current().reopen()
      for (let at = 0; at < 10; at += 1) await append(store, `person ${at}`)
      const half = { unsorted: 3 }
      const claims = await Promise.all([
        claim(store, T0, half),
        claim(other, T0, half),
        claim(store, T0, half),
        claim(other, T0, half),
      ])
      const people = claims.flat().map(({ event }) => event.personId)
      expect(people).toHaveLength(10)
      expect(new Set(people).size).toBe(10)
    })

    test('completed with deliveries: one for each endpoint, with its detail', async () => {
      await append(store, 'ada')
      const [event] = await claim(store)
      await store.completeClaim(event as Claim, [{ endpoint: 'a' }, { endpoint: 'b', detail: '{"sid":"1"}' }], T0)
      const claims = await claim(store)
      expect(claims).toMatchObject([
        { endpoint: 'a', detail: null, event: event?.event },
        { endpoint: 'b', detail: '{"sid":"1"}', event: event?.event },
      ])
    })

    test('repeated later counts its tries, and keeps the order of its queue', async () => {
      for (const at of [0, 1]) await append(store, 'ada', T0 + at)
      await deliverTo(['a'], 'ada')
      await deliverTo(['a'], 'ada')
      for (const tries of [0, 1, 2]) {
        const now = T0 + 10 + tries * 100
        const [first, ...others] = await claim(store, now)
        expect(first).toMatchObject({ tries, event: { at: T0 } })
        expect(others).toEqual([])
        expect(await store.retryClaim(first as Claim, now + 100)).toBe(true)
        expect(await claim(store, now + 99)).toEqual([])
      }
      const [last] = await claim(store, T0 + 1_000)
      await store.completeClaim(last as Claim, [], T0 + 1_000)
      expect(await claim(store, T0 + 1_000)).toMatchObject([{ tries: 0, event: { at: T0 + 1 } }])
    })

    test('of one endpoint neither waits for another one, nor exceeds its room', async () => {
      for (const person of ['p1', 'p2', 'p3', 'p4']) {
        await append(store, person)
        await deliverTo(['hangs', 'works'], person)
      }
      const [hangs, works] = ['hangs', 'works'].map((endpoint) => async (request: Partial<ClaimRequest>) => {
        const claims = await claim(store, T0, request)
        return claims.filter((each) => each.endpoint === endpoint).length
      })
      expect(await hangs?.({ perEndpoint: 2, room: { works: 0 } })).toBe(2)
      expect(await works?.({ perEndpoint: 2, room: { hangs: 0 } })).toBe(2)
      expect(await works?.({ deliveries: 1, room: { hangs: 0, works: 9 } })).toBe(1)
      expect(await claim(store, T0, { deliveries: 0 })).toEqual([])
      expect(await claim(store, T0, { perEndpoint: 0, room: { works: 9 } })).toHaveLength(1)
    })

    test('is of the endpoint that has waited longest, if there is room for one', async () => {
      for (const [endpoint, dueAt] of [
        ['a', T0 + 20],
        ['b', T0 + 10],
        ['c', T0 + 30],
      ] as const) {
        await append(store, endpoint)
        await deliverTo([endpoint], endpoint)
        const [only] = await claim(store, T0)
        await store.retryClaim(only as Claim, dueAt)
      }
      const order: string[] = []
      for (let count = 0; count < 3; count += 1) {
        const [one] = await claim(store, T0 + 100, { deliveries: 1 })
        order.push(one?.endpoint ?? '')
      }
      expect(order).toEqual(['b', 'a', 'c'])
    })

    test('person and endpoint are not confused with others that look alike', async () => {
      for (const [endpoint, person] of [
        ['a', 'b:c'],
        ['a:b', 'c'],
        ['a b', '1:c'],
      ] as const) {
        await append(store, person)
        await deliverTo([endpoint], person)
      }
      const claims = await claim(store)
      expect(claims.map(({ endpoint, event }) => `${endpoint}|${event.personId}`).sort()).toEqual([
        'a b|1:c',
        'a:b|c',
        'a|b:c',
      ])
    })
  })
}
