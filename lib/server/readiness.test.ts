import { expect, test } from 'vitest'
import { createReadiness } from './readiness'

/** A store whose answers the test gives. */
function setUp() {
  const state = { now: 0, asked: 0, failure: null as Error | null, lines: [] as string[] }
  const isReady = createReadiness({
    ping: async () => {
      state.asked += 1
      if (state.failure !== null) throw state.failure
    },
    log: {
      error: ((facts: { err: Error }, message: string) =>
        state.lines.push(`${message}: ${facts.err.message}`)) as never,
      info: ((message: string) => state.lines.push(message)) as never,
    },
    now: () => state.now,
  })
  return { state, isReady }
}

test('all who ask within 500 ms share one answer, good or bad', async () => {
  const { state, isReady } = setUp()
  expect(await Promise.all(Array.from({ length: 1_000 }, isReady))).toEqual(Array(1_000).fill(true))
  state.failure = new Error('full')
  state.now = 499
  expect(await isReady()).toBe(true)
  expect(state.asked).toBe(1)
  state.now = 500
  expect(await isReady()).toBe(false)
  state.failure = null
  state.now = 999
  expect(await isReady()).toBe(false)
  expect(state.asked).toBe(2)
  state.now = 1_000
  expect(await isReady()).toBe(true)
  expect(state.asked).toBe(3)
})

test('a failure is logged once, each other cause too, and so is the recovery', async () => {
  const { state, isReady } = setUp()
  for (const failure of [null, 'deleted', 'deleted', 'full', null, null]) {
    state.failure = failure === null ? null : new Error(failure)
    await isReady()
    state.now += 500
  }
  const failed = (cause: string) => `the store cannot be written: ${cause}`
  expect(state.lines).toEqual([failed('deleted'), failed('full'), 'the store can be written again'])
})
