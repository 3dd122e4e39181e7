import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CodeClock } from './code-clock'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const CODE = { url: 'a', expiresInMs: 30_000 }

test('a code is removed 2 s after its end if no other was received', () => {
  const overdue = vi.fn()
  const clock = new CodeClock(overdue)
  clock.set(CODE)
  vi.advanceTimersByTime(31_900)
  expect(clock.code?.url).toBe('a')
  vi.advanceTimersByTime(200)
  expect(clock.code).toBeNull()
  expect(overdue).toHaveBeenCalledOnce()
})

test('the next code replaces it and keeps the length of the period', () => {
  const overdue = vi.fn()
  const clock = new CodeClock(overdue)
  clock.set(CODE)
  vi.advanceTimersByTime(30_500)
  clock.set({ url: 'b', expiresInMs: 29_500 })
  vi.advanceTimersByTime(20_000)
  expect(clock.code).toMatchObject({ url: 'b', periodMs: 30_000 })
  expect(overdue).not.toHaveBeenCalled()
})

test('a code that expired while the machine slept is removed by `check`', () => {
  const overdue = vi.fn()
  const clock = new CodeClock(overdue)
  clock.set(CODE)
  expect(clock.check()).toBe(false)
  // Asleep: timers and the monotonic clock stand still.
  vi.setSystemTime(Date.now() + 3_600_000)
  expect(clock.check()).toBe(true)
  expect(clock.code).toBeNull()
  expect(overdue).toHaveBeenCalledOnce()
})

test('a cleared code stays removed, and leaves no timer', () => {
  const overdue = vi.fn()
  const clock = new CodeClock(overdue)
  clock.set(CODE)
  clock.clear()
  vi.advanceTimersByTime(60_000)
  expect([clock.code, clock.check(), vi.getTimerCount()]).toEqual([null, false, 0])
  expect(overdue).not.toHaveBeenCalled()
})
