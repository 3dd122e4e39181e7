import { describe, expect, test } from 'vitest'
import { ADA, ID, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../../test/support/fixtures'
import type { Attempt } from './attempt/attempt'
import { type AttemptEvent, transition } from './attempt/transition'
import { ProtocolError } from './errors'
import type { Guard } from './rate-limit/limits'
import { type UpdateStore, updateAttempt } from './update-attempt'

const apply = (event: AttemptEvent) => (attempt: Attempt) => transition(attempt, event, T0, LIFETIMES)

/** A store of one attempt that records its calls. */
class OneAttemptStore implements UpdateStore {
  readonly calls: string[] = []
  stored: Attempt | null = pendingAttempt()
  waitMs = 0
  /** What another process writes before the first write. */
  faster: ((stored: Attempt | null) => Attempt | null) | null = null

  findAttempt(): Attempt | null {
    this.calls.push('find')
    return this.stored
  }

  compareAndSet: UpdateStore['compareAndSet'] = (before, { attempt }, guard) => {
    this.calls.push(guard === undefined ? 'write' : 'write, guarded')
    if (this.faster !== null) this.stored = this.faster(this.stored)
    this.faster = null
    if (this.stored?.version !== before.version) return { isWritten: false, current: this.stored }
    this.stored = attempt
    return { isWritten: true, ended: [] }
  }

  take(): number {
    this.calls.push('take')
    return this.waitMs
  }
}

/** The same store, each answer of which is a promise. */
function toShared(store: OneAttemptStore): UpdateStore {
  return {
    findAttempt: async () => store.findAttempt(),
    compareAndSet: async (...args) => store.compareAndSet(...args),
    take: async () => store.take(),
  }
}

const guard: Guard = { counters: [], now: T0, refuse: (waitMs) => new Error(`wait ${waitMs}`) }
const scan = apply(scanBy(ADA))
const confirm = apply({ type: 'confirm', phone: ADA })

describe.each([
  ['synchronous', (store: OneAttemptStore): UpdateStore => store],
  ['asynchronous', toShared],
])('on a store that is %s', (_, open) => {
  test('an attempt is read and written once', async () => {
    const store = new OneAttemptStore()
    expect(await updateAttempt(open(store), ID, scan)).toMatchObject({ attempt: { status: 'scanned' }, ended: [] })
    expect(store.calls).toEqual(['find', 'write'])
  })

  test('an attempt that was just read is not read again', async () => {
    const store = new OneAttemptStore()
    await updateAttempt(open(store), ID, scan, { from: pendingAttempt(), guard })
    expect(store.calls).toEqual(['write, guarded'])
  })

  test('where another process was faster, the change is decided again on what is stored, without another read', async () => {
    const store = new OneAttemptStore()
    store.faster = () => scan(pendingAttempt()).attempt
    const cancel = apply({ type: 'cancel', phone: null })
    expect(await updateAttempt(open(store), ID, cancel)).toMatchObject({ attempt: { status: 'cancelled', version: 3 } })
    expect(store.calls).toEqual(['find', 'write', 'write'])
  })

  test('a loser that is refused counts its guard once', async () => {
    const store = new OneAttemptStore()
    store.faster = () => apply(scanBy(LIN))(pendingAttempt()).attempt
    const update = async () => await updateAttempt(open(store), ID, scan, { guard })
    await expect(update).rejects.toMatchObject({ code: 'attempt_taken' })
    expect(store.calls).toEqual(['find', 'write, guarded', 'take'])
  })

  test('where the attempt is gone meanwhile, the answer is null', async () => {
    const store = new OneAttemptStore()
    store.faster = () => null
    expect(await updateAttempt(open(store), ID, scan, { guard })).toBeNull()
    expect(store.calls).toEqual(['find', 'write, guarded', 'take'])
  })

  test('an unchanged, a refused and an unknown one are not written, and count the guard', async () => {
    const store = new OneAttemptStore()
    expect(await updateAttempt(open(store), ID, (attempt) => ({ attempt }), { guard })).toMatchObject({ ended: [] })
    await expect(async () => await updateAttempt(open(store), ID, confirm, { guard })).rejects.toThrow(ProtocolError)
    store.stored = null
    expect(await updateAttempt(open(store), ID, scan, { guard })).toBeNull()
    expect(store.calls).toEqual(['find', 'take', 'find', 'take', 'find', 'take'])
  })

  test('a full guard comes before the refusal of the change', async () => {
    const store = new OneAttemptStore()
    store.waitMs = 5
    await expect(async () => await updateAttempt(open(store), ID, confirm, { guard })).rejects.toThrow('wait 5')
  })

  test('a failure of the store reaches the caller', async () => {
    const store = new OneAttemptStore()
    store.compareAndSet = () => {
      throw new Error('planted')
    }
    await expect(async () => await updateAttempt(open(store), ID, scan)).rejects.toThrow('planted')
  })
})

test('a synchronous store has written and answered when the call returns', () => {
  const store = new OneAttemptStore()
  store.faster = () => scan(pendingAttempt()).attempt
  expect(updateAttempt(store, ID, apply({ type: 'cancel', phone: null }))).toMatchObject({ attempt: { version: 3 } })
  expect(() => updateAttempt(store, ID, confirm, { guard })).toThrow(ProtocolError)
})
