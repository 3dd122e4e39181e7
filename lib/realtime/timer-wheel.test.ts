import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TimerWheel } from './timer-wheel'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function recorder() {
  const due: number[] = []
  return { due, onTimer: () => due.push(Date.now()) }
}

test('a listener is called within 200 ms after its deadline, and once', () => {
  const timers = new TimerWheel(Date.now)
  const one = recorder()
  const at = Date.now() + 1_234
  timers.set(one, at)
  vi.advanceTimersByTime(10_000)
  expect(one.due).toHaveLength(1)
  expect((one.due[0] ?? 0) - at).toBeGreaterThanOrEqual(0)
  expect((one.due[0] ?? 0) - at).toBeLessThanOrEqual(200)
})

test('a deadline in the past is due at the next tick', () => {
  const timers = new TimerWheel(Date.now)
  const one = recorder()
  timers.set(one, Date.now() - 5_000)
  vi.advanceTimersByTime(200)
  expect(one.due).toHaveLength(1)
})

test('a second set moves a deadline, delete removes it', () => {
  const timers = new TimerWheel(Date.now)
  const moved = recorder()
  const gone = recorder()
  timers.set(moved, Date.now() + 500)
  timers.set(gone, Date.now() + 500)
  timers.set(moved, Date.now() + 2_000)
  timers.delete(gone)
  vi.advanceTimersByTime(1_000)
  expect([moved.due, gone.due]).toEqual([[], []])
  vi.advanceTimersByTime(2_000)
  expect(moved.due).toHaveLength(1)
  expect(gone.due).toEqual([])
})

test('10,000 deadlines share one timer, and none is left after the last', () => {
  const timers = new TimerWheel(Date.now)
  const many = Array.from({ length: 10_000 }, recorder)
  for (const [index, each] of many.entries()) timers.set(each, Date.now() + (index % 30_000))
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(31_000)
  expect(many.every(({ due }) => due.length === 1)).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
  expect(timers.size).toBe(0)
})

test('a listener can set its next deadline when it is called', () => {
  const timers = new TimerWheel(Date.now)
  let times = 0
  const again = {
    onTimer() {
      times += 1
      timers.set(again, Date.now() + 1_000)
    },
  }
  timers.set(again, Date.now() + 1_000)
  vi.advanceTimersByTime(10_500)
  expect(times).toBeGreaterThanOrEqual(9)
  expect(times).toBeLessThanOrEqual(10)
})

test('after a pause of hours every listener that is due is called at once', () => {
  let now = 1_000_000
  const timers = new TimerWheel(() => now)
  const one = recorder()
  timers.set(one, now + 60_000)
  now += 5 * 3_600_000
  vi.advanceTimersByTime(100)
  expect(one.due).toHaveLength(1)
})

test.each([86_400_000, -86_400_000])(
  'a clock that is set by %i ms neither delays a deadline nor brings it forward',
  (stepMs) => {
    let stepped = 0
    const timers = new TimerWheel(() => Date.now() + stepped, Date.now)
    const [before, after] = [recorder(), recorder()]
    timers.set(before, Date.now() + 10_000)
    stepped = stepMs
    timers.set(after, Date.now() + stepped + 20_000)
    vi.advanceTimersByTime(9_900)
    expect([before.due.length, after.due.length]).toEqual([0, 0])
    vi.advanceTimersByTime(200)
    expect([before.due.length, after.due.length]).toEqual([1, 0])
    vi.advanceTimersByTime(10_000)
    expect([before.due.length, after.due.length]).toEqual([1, 1])
  },
)
