import { beforeEach, expect, test } from 'vitest'
import type { StoredRecord } from '../../lib/core/record-store'
import type { Store } from '../../lib/core/store'
import { T0 } from '../support/fixtures'
import type { StoreUnderTest } from './store-fixtures'

const ENDS = T0 + 60_000

const record = (key: string, facts: Partial<StoredRecord> = {}): StoredRecord => ({
  key,
  data: '{"a":"ü 😀"}',
  expiresAt: ENDS,
  group: null,
  ...facts,
})

const found = (key: string, facts: Partial<StoredRecord> = {}) => ({ ...record(key, facts), consumedAt: null })

/** The contract of records. */
export function describeRecords(current: () => StoreUnderTest): void {
  let store: Store
  beforeEach(() => {
    store = current().store
  })

  const parallel = async (count: number, call: (index: number) => unknown) =>
    await Promise.all(Array.from({ length: count }, async (_, index) => await call(index)))

  test('a record is found as it was written, also after a restart, until it expires', async () => {
    expect(await store.insertRecord(record('kind 1'), T0, 'unauthenticated')).toBe(true)
    expect(await store.findRecord('kind 1', ENDS - 1)).toEqual(found('kind 1'))
    expect(await store.findRecord('kind 1', ENDS)).toBeNull()
    expect(await store.findRecord('kind 2', T0)).toBeNull()
    await store.close()
    const again = await current().reopen()
    expect(await again.findRecord('kind 1', T0)).toEqual(found('kind 1'))
  })

  test('of concurrent insertions of one key exactly one is written; an expired record gives way', async () => {
    const results = await parallel(20, (index) =>
      store.insertRecord(record('kind 1', { data: `"${index}"` }), T0, 'unauthenticated'),
    )
    expect(results.filter(Boolean)).toHaveLength(1)
    expect((await store.findRecord('kind 1', T0))?.data).toBe(`"${results.indexOf(true)}"`)
    expect(await store.insertRecord(record('kind 1', { expiresAt: 2 * ENDS - T0 }), ENDS, 'unauthenticated')).toBe(true)
    expect(await store.findRecord('kind 1', ENDS)).toEqual(found('kind 1', { expiresAt: 2 * ENDS - T0 }))
  })

  test('put replaces a record and its group, and takes back that it was consumed', async () => {
    await store.putRecord(record('kind 1', { group: 'a' }), T0)
    await store.consumeRecord('kind 1', T0)
    await store.putRecord(record('kind 1', { data: '2', group: 'b', expiresAt: ENDS + 5 }), T0)
    expect(await store.findRecord('kind 1', ENDS)).toEqual(
      found('kind 1', { data: '2', group: 'b', expiresAt: ENDS + 5 }),
    )
    expect(await store.listRecords('a', T0)).toEqual([])
    expect((await store.listRecords('b', T0)).map(({ key }) => key)).toEqual(['kind 1'])
  })

  test('replace writes only over the data that was read, and of concurrent calls one wins', async () => {
    expect(await store.replaceRecord(record('kind 1'), '0', T0)).toBe(false)
    expect(await store.findRecord('kind 1', T0)).toBeNull()
    await store.putRecord(record('kind 1', { data: '0' }), T0)
    await store.consumeRecord('kind 1', T0 + 1)
    const results = await parallel(20, (index) =>
      store.replaceRecord(record('kind 1', { data: `${index + 1}` }), '0', T0),
    )
    expect(results.filter(Boolean)).toHaveLength(1)
    const { data, consumedAt } = (await store.findRecord('kind 1', T0)) ?? {}
    expect([data, consumedAt]).toEqual([`${results.indexOf(true) + 1}`, T0 + 1])
    expect(await store.replaceRecord(record('kind 1'), data ?? '', ENDS)).toBe(false)
  })

  test('of concurrent calls exactly one consumes a record', async () => {
    await store.putRecord(record('kind 1'), T0)
    const results = await parallel(50, () => store.consumeRecord('kind 1', T0 + 7))
    expect(results.filter(Boolean)).toHaveLength(1)
    expect((await store.findRecord('kind 1', T0))?.consumedAt).toBe(T0 + 7)
    expect(await store.consumeRecord('kind 2', T0)).toBe(false)
    await store.putRecord(record('kind 3'), T0)
    expect(await store.consumeRecord('kind 3', ENDS)).toBe(false)
  })

  test('of concurrent calls exactly one removes a record', async () => {
    await store.putRecord(record('kind 1', { group: 'a' }), T0)
    const results = await parallel(20, () => store.removeRecord('kind 1'))
    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await store.findRecord('kind 1', T0)).toBeNull()
    expect(await store.listRecords('a', T0)).toEqual([])
  })

  test('a group is listed and removed together, and nothing else', async () => {
    for (const key of ['kind 1', 'kind 2']) await store.putRecord(record(key, { group: 'a' }), T0)
    await store.putRecord(record('kind 3', { group: 'b' }), T0)
    await store.putRecord(record('kind 4'), T0)
    await store.putRecord(record('kind 5', { group: 'a', expiresAt: T0 + 5_000 }), T0)
    expect((await store.listRecords('a', T0)).map(({ key }) => key).sort()).toEqual(['kind 1', 'kind 2', 'kind 5'])
    expect((await store.listRecords('a', T0 + 5_000)).map(({ key }) => key).sort()).toEqual(['kind 1', 'kind 2'])
    await store.removeRecords('a')
    expect(await store.listRecords('a', T0)).toEqual([])
    for (const key of ['kind 1', 'kind 2', 'kind 5']) expect(await store.findRecord(key, T0)).toBeNull()
    for (const key of ['kind 3', 'kind 4']) expect(await store.findRecord(key, T0)).toEqual(expect.anything())
  })

  test('what follows from a sign-in takes no room of unauthenticated clients', async () => {
    await parallel(60, (index) => store.insertRecord(record(`free ${index}`), T0, 'sign-in'))
    await parallel(60, (index) => store.putRecord(record(`put ${index}`), T0))
    await parallel(49, (index) => store.insertRecord(record(`kind ${index}`), T0, 'unauthenticated'))
    // Replaced, it is still one.
    await store.putRecord(record('kind 0'), T0)
    expect(await store.insertRecord(record('kind 49'), T0, 'unauthenticated')).toBe(true)
    await expect((async () => await store.insertRecord(record('one more'), T0, 'unauthenticated'))()).rejects.toThrow(
      'records',
    )
  })

  test('records are bounded, and expired ones make room', async () => {
    await parallel(50, (index) =>
      store.insertRecord(record(`kind ${index}`, { expiresAt: T0 + 10 }), T0, 'unauthenticated'),
    )
    await expect((async () => await store.insertRecord(record('one more'), T0, 'unauthenticated'))()).rejects.toThrow(
      'records',
    )
    expect(await store.findRecord('one more', T0)).toBeNull()
    // What follows from records that exist is written.
    await store.putRecord(record('follows'), T0)
    expect(await store.findRecord('follows', T0)).toEqual(found('follows'))
    expect(await store.insertRecord(record('of a sign-in'), T0, 'sign-in')).toBe(true)
    const later = T0 + 2 * 1_800_000
    await store.sweep(later, 100)
    expect(await store.insertRecord(record('one more', { expiresAt: later + 1 }), later, 'unauthenticated')).toBe(true)
  })
}
