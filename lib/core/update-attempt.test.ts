import { describe, expect, test } from 'vitest'
import { ADA, ID, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../../test/support/fixtures'
import type { Attempt } from './attempt/attempt'
import { type AttemptEvent, transition } from './attempt/transition'
import { ProtocolError } from './errors'
import type { Guard } from './rate-limit/limits'
import { type UpdateStore, updateAttempt } from './update-attempt'

const apply = (event: AttemptEvent) => (attempt: Attempt) => transition(attempt, event, T0, LIFETIMES)

/** A store with one attempt that records its calls. */
class OneAttemptStore implements UpdateStore {
  readonly calls: string[] = []
  stored: Attempt | null = pendingAttempt()
  waitMs = 0
  /** What another process writes just before the first write. */
  concurrentWrite: ((stored: Attempt | null) => Attempt | null) | null = null

  findAttempt(): Attempt | null {
    this.calls.push('find')
    return this.stored
  }

  compareAndSet: UpdateStore['compareAndSet'] = (before, { attempt }, guard) => {
    this.calls.push(guard === undefined ? 'write' : 'write, guarded')
    if (this.concurrentWrite !== null) this.stored = this.concurrentWrite(this.stored)
    this.concurrentWrite = null
    if (this.stored?.version !== before.version) return { isWritten: false, current: this.stored }
    this.stored = attempt
    return { isWritten: true, ended: [] }
  }

  take(): number {
    this.calls.push('take')
    return this.waitMs
  }
}

/** The same store with promises as results. */
function toAsync(store: OneAttemptStore): UpdateStore {
  return {
    findAttempt: async () => store.findAttempt(),
    compareAndSet: async (...args) => store.compareAndSet(...args),
    take: async () => store.take(),
  }
}

const guard: Guard = { counters: [], now: T0, refuse: (waitMs) => new Error(`wait ${waitMs}`) }
const scan = apply(scanBy(ADA))
const confirm = apply({ type: 'confirm', phone: ADA, passkey: 'none' })

describe.each([
  ['synchronous', (store: OneAttemptStore): UpdateStore => store],
  ['asynchronous', toAsync],
])('on a %s store', (_, open) => {
  test('one update: one read and one write', async () => {
    const store = new OneAttemptStore()
    expect(await updateAttempt(open(store), ID, scan)).toMatchObject({ attempt: { status: 'scanned' }, ended: [] })
    expect(store.calls).toEqual(['find', 'write'])
  })

  test('an attempt that is passed as read is not read again', async () => {
    const store = new OneAttemptStore()
    await updateAttempt(open(store), ID, scan, { from: pendingAttempt(), guard })
    expect(store.calls).toEqual(['write, guarded'])
  })

  test('after a lost race the change is decided again on the stored attempt, without another read', async () => {
    const store = new OneAttemptStore()
    store.concurrentWrite = () => scan(pendingAttempt()).attempt
    const cancel = apply({ type: 'cancel', phone: null })
    expect(await updateAttempt(open(store), ID, cancel)).toMatchObject({ attempt: { status: 'cancelled', version: 3 } })
    expect(store.calls).toEqual(['find', 'write', 'write'])
  })

  test('a lost race that ends in a refusal counts the guard once', async () => {
    const store = new OneAttemptStore()
    store.concurrentWrite = () => apply(scanBy(LIN))(pendingAttempt()).attempt
    const update = async () => await updateAttempt(open(store), ID, scan, { guard })
    await expect(update).rejects.toMatchObject({ code: 'attempt_taken' })
    expect(store.calls).toEqual(['find', 'write, guarded', 'take'])
  })

  test('the result is null if the attempt was deleted in between', async () => {
    const store = new OneAttemptStore()
    store.concurrentWrite = () => null
    expect(await updateAttempt(open(store), ID, scan, { guard })).toBeNull()
    expect(store.calls).toEqual(['find', 'write, guarded', 'take'])
  })

  test('unchanged, refused and unknown attempts are not written, and count the guard', async () => {
    const store = new OneAttemptStore()
    expect(await updateAttempt(open(store), ID, (attempt) => ({ attempt }), { guard })).toMatchObject({ ended: [] })
    await expect(async () => await updateAttempt(open(store), ID, confirm, { guard })).rejects.toThrow(ProtocolError)
    store.stored = null
    expect(await updateAttempt(open(store), ID, scan, { guard })).toBeNull()
    expect(store.calls).toEqual(['find', 'take', 'find', 'take', 'find', 'take'])
  })

  test('a full guard is refused before the change is', async () => {
    const store = new OneAttemptStore()
    store.waitMs = 5
    await expect(async () => await updateAttempt(open(store), ID, confirm, { guard })).rejects.toThrow('wait 5')
  })

  test('an error of the store reaches the caller', async () => {
    const store = new OneAttemptStore()
    store.compareAndSet = () => {
      throw new Error('planted')
    }
    await expect(async () => await updateAttempt(open(store), ID, scan)).rejects.toThrow('planted')
  })
})

test('with a synchronous store the result is synchronous', () => {
  const store = new OneAttemptStore()
  store.concurrentWrite = () => scan(pendingAttempt()).attempt
  expect(updateAttempt(store, ID, apply({ type: 'cancel', phone: null }))).toMatchObject({ attempt: { version: 3 } })
  expect(() => updateAttempt(store, ID, confirm, { guard })).toThrow(ProtocolError)
})
