import { expect, test } from 'vitest'
import { createReadiness } from './readiness'

/** A readiness check of a fake store. */
function setUp() {
  const state = { now: 0, pings: 0, failure: null as Error | null, lines: [] as string[] }
  const isReady = createReadiness({
    ping: async () => {
      state.pings += 1
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

test('all checks within 500 ms share one result, success or failure', async () => {
  const { state, isReady } = setUp()
  expect(await Promise.all(Array.from({ length: 1_000 }, isReady))).toEqual(Array(1_000).fill(true))
  state.failure = new Error('full')
  state.now = 499
  expect(await isReady()).toBe(true)
  expect(state.pings).toBe(1)
  state.now = 500
  expect(await isReady()).toBe(false)
  state.failure = null
  state.now = 999
  expect(await isReady()).toBe(false)
  expect(state.pings).toBe(2)
  state.now = 1_000
  expect(await isReady()).toBe(true)
  expect(state.pings).toBe(3)
})

test('each cause of failure is logged once, and so is the recovery', async () => {
  const { state, isReady } = setUp()
  for (const failure of [null, 'deleted', 'deleted', 'full', null, null]) {
    state.failure = failure === null ? null : new Error(failure)
    await isReady()
    state.now += 500
  }
  const failed = (cause: string) => `the store cannot be written: ${cause}`
  expect(state.lines).toEqual([failed('deleted'), failed('full'), 'the store can be written again'])
})
