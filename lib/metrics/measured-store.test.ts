import { expect, test } from 'vitest'
import { pendingAttempt } from '../../test/support/fixtures'
import type { Store } from '../core/store'
import { STORE_OPERATIONS, type StoreOperation, timeStore } from './measured-store'

const attempt = pendingAttempt()

/** A measured store with `run` as every operation. */
function timed(run: (...args: unknown[]) => unknown) {
  const done: [StoreOperation, number][] = []
  const errors: unknown[] = []
  let now = 0
  const operations = Object.fromEntries(STORE_OPERATIONS.map((operation) => [operation, run]))
  const store = { ...operations, watching: 3, close: () => 'closed' } as unknown as Store
  const measured = timeStore(store, {
    now: () => {
      now += 5
      return now
    },
    onDone: (operation, ms) => done.push([operation, ms]),
    onError: (_, error) => errors.push(error),
  })
  return { measured, done, errors }
}

test('a synchronous result stays synchronous, and is timed', () => {
  const { measured, done } = timed(() => attempt)
  expect(measured.findAttempt('x')).toBe(attempt)
  expect(done).toEqual([['findAttempt', 5]])
})

test('a promise is passed on unchanged, and timed when it settles', async () => {
  const result = Promise.resolve(attempt)
  const { measured, done } = timed(() => result)
  expect(measured.findAttempt('x')).toBe(result)
  expect(done).toEqual([])
  await result
  expect(done).toEqual([['findAttempt', 5]])
})

test('a thrown and a rejected error reach the caller, and are reported once', async () => {
  const failure = new Error('planted')
  const thrown = timed(() => {
    throw failure
  })
  expect(() => thrown.measured.findAttempt('x')).toThrow(failure)
  const rejected = timed(() => Promise.reject(failure))
  await expect(rejected.measured.findAttempt('x')).rejects.toBe(failure)
  for (const { done, errors } of [thrown, rejected]) {
    expect(errors).toEqual([failure])
    expect(done).toEqual([['findAttempt', 5]])
  }
})

test('arguments, `watching` and `close` are those of the store', () => {
  const { measured } = timed((...args) => args)
  expect(measured.touchSession('id', 7)).toEqual(['id', 7])
  expect(measured.watching).toBe(3)
  expect(measured.close()).toBe('closed')
})
