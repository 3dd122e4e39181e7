import { beforeEach, expect, test } from 'vitest'
import type { Attempt } from '../../lib/core/attempt/attempt'
import { transition } from '../../lib/core/attempt/transition'
import { ProtocolError } from '../../lib/core/errors'
import { FullError } from '../../lib/core/rate-limit/limits'
import type { AccountChange, Store } from '../../lib/core/store'
import { updateAttempt } from '../../lib/core/update-attempt'
import { ADA, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../support/fixtures'
import { apply, HASH, id, type StoreUnderTest } from './store-fixtures'

/** Attempts: written, updated by compare-and-set, and watched. */
export function describeAttempts(current: () => StoreUnderTest): void {
  let store: Store
  beforeEach(() => {
    store = current().store
  })

  test('an attempt is found as written, and an unknown one is null', async () => {
    await store.insertAttempt(pendingAttempt())
    expect(await store.findAttempt(id)).toEqual(pendingAttempt())
    expect(await store.findAttempt('BBBBBBBBBBBBBBBB')).toBeNull()
  })

  test('an existing id is refused', async () => {
    await store.insertAttempt(pendingAttempt())
    await expect(async () => await store.insertAttempt(pendingAttempt())).rejects.toThrow()
  })

  test('an update is visible to the next read, on every connection', async () => {
    await store.insertAttempt(pendingAttempt())
    const outcome = await updateAttempt(store, id, apply(scanBy(ADA)))
    expect(outcome?.attempt).toMatchObject({ status: 'scanned', version: 2 })
    expect(await (await current().reopen()).findAttempt(id)).toEqual(outcome?.attempt)
  })

  test('an update of an unknown attempt is null, and does not call `change`', async () => {
    expect(await updateAttempt(store, id, () => expect.fail('there is nothing to change'))).toBeNull()
  })

  test('a refusal is thrown, and nothing is written', async () => {
    await store.insertAttempt(pendingAttempt())
    const update = async () => await updateAttempt(store, id, apply({ type: 'confirm', phone: ADA, passkey: 'none' }))
    await expect(update).rejects.toBeInstanceOf(ProtocolError)
    expect(await store.findAttempt(id)).toEqual(pendingAttempt())
  })

  test('an unchanged attempt is neither written nor published', async () => {
    await store.insertAttempt(pendingAttempt())
    let received = 0
    await store.watchAttempt(id, HASH, () => (received += 1), T0)
    const outcome = await updateAttempt(store, id, (attempt) => ({ attempt }))
    expect(outcome?.attempt).toEqual(pendingAttempt())
    expect(received).toBe(0)
  })

  test('a change that lost a race is decided again on the stored attempt', async () => {
    await store.insertAttempt(pendingAttempt())
    const from = await store.findAttempt(id)
    // Another server writes between this read and its write.
    await updateAttempt(await current().reopen(), id, apply(scanBy(LIN)))
    let decided = 0
    const slow = async () =>
      await updateAttempt(
        store,
        id,
        (attempt) => {
          decided += 1
          return transition(attempt, scanBy(ADA), T0, LIFETIMES)
        },
        { from },
      )
    await expect(slow).rejects.toMatchObject({ code: 'attempt_taken' })
    expect(decided).toBe(2)
    expect(await store.findAttempt(id)).toMatchObject({ version: 2, scan: { phone: { person: { id: 'lin' } } } })
  })

  test('a compare-and-set on an older version writes nothing, and returns the stored attempt', async () => {
    await store.insertAttempt(pendingAttempt())
    const scan = apply(scanBy(ADA))(pendingAttempt())
    expect(await store.compareAndSet(pendingAttempt(), scan)).toEqual({ isWritten: true, ended: [] })
    const late = apply(scanBy(LIN))(pendingAttempt())
    expect(await store.compareAndSet(pendingAttempt(), late)).toEqual({ isWritten: false, current: scan.attempt })
    expect(await store.findAttempt(id)).toEqual(scan.attempt)
  })

  test('a compare-and-set on a deleted attempt returns null', async () => {
    const scan = apply(scanBy(ADA))(pendingAttempt())
    expect(await store.compareAndSet(pendingAttempt(), scan)).toEqual({ isWritten: false, current: null })
    expect(await store.findAttempt(id)).toBeNull()
  })

  test('50 concurrent scans: exactly one wins', async () => {
    await store.insertAttempt(pendingAttempt())
    const phones = Array.from({ length: 50 }, (_, index) => ({ ...ADA, sessionId: `phone-${index}` }))
    const scans = phones.map(async (phone) => await updateAttempt(store, id, apply(scanBy(phone))))
    const results = await Promise.allSettled(scans)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('a watcher receives each change once, and nothing after unwatch', async () => {
    await store.insertAttempt(pendingAttempt())
    const received: string[] = []
    const watched = await store.watchAttempt(
      id,
      HASH,
      ({ status, version }) => received.push(`${version} ${status}`),
      T0,
    )
    expect(watched?.attempt).toEqual(pendingAttempt())
    await updateAttempt(store, id, apply(scanBy(ADA)))
    await updateAttempt(store, id, apply({ type: 'confirm', phone: ADA, passkey: 'none' }))
    await expect.poll(() => received).toEqual(['2 scanned', '3 confirmed'])
    watched?.unwatch()
    watched?.unwatch()
    await updateAttempt(store, id, apply({ type: 'cancel', phone: null }))
    expect(received).toHaveLength(2)
  })

  test("a watch of an unknown, another browser's, or an ended attempt leaves no listener", async () => {
    await store.insertAttempt(pendingAttempt())
    const received: Attempt[] = []
    const listen = (attempt: Attempt) => received.push(attempt)
    expect(await store.watchAttempt('BBBBBBBBBBBBBBBB', HASH, listen, T0)).toBeNull()
    expect(await store.watchAttempt(id, 'another browser', listen, T0)).toBeNull()
    const over = await store.watchAttempt(id, HASH, listen, T0 + LIFETIMES.attemptMs)
    expect(over?.attempt).toEqual(pendingAttempt())
    expect(await current().countWatchers()).toBe(0)
    await updateAttempt(store, id, apply(scanBy(ADA)))
    await updateAttempt(store, id, apply({ type: 'cancel', phone: null }))
    const ended = await store.watchAttempt(id, HASH, listen, T0)
    expect(ended?.attempt).toMatchObject({ status: 'cancelled' })
    expect(await current().countWatchers()).toBe(0)
    expect(received).toEqual([])
  })

  test('a change during the start of a watch is in the read attempt, or is published', async () => {
    await store.insertAttempt(pendingAttempt())
    let seen = 0
    const [watched] = await Promise.all([
      store.watchAttempt(id, HASH, ({ version }) => (seen = Math.max(seen, version)), T0),
      updateAttempt(store, id, apply(scanBy(ADA))),
    ])
    await expect.poll(() => Math.max(seen, watched?.attempt.version ?? 0)).toBe(2)
    watched?.unwatch()
  })

  test("the scanner's account is notified of the attempt, another person's is not", async () => {
    await store.insertAttempt(pendingAttempt())
    const ada: AccountChange[] = []
    const lin: AccountChange[] = []
    store.watchAccount('ada', (change) => ada.push(change))
    store.watchAccount('lin', (change) => lin.push(change))
    await updateAttempt(store, id, apply(scanBy(ADA)))
    await expect.poll(() => ada).toMatchObject([{ type: 'attempt', attempt: { id, status: 'scanned' } }])
    expect(lin).toEqual([])
  })

  test('attempts beyond the capacity are refused', async () => {
    const ids = Array.from({ length: 101 }, (_, at) => `AAAAAAAAAAAAA${String(at).padStart(3, '0')}`)
    for (const each of ids.slice(0, 100)) await store.insertAttempt(pendingAttempt(each))
    const last = pendingAttempt(ids[100])
    await expect(async () => await store.insertAttempt(last)).rejects.toThrow(FullError)
    expect(await store.findAttempt(last.id)).toBeNull()
  })
}
