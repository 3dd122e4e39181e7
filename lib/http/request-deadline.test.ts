import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isProtocolError } from '../core/errors'
import { RequestDeadline } from './request-deadline'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** What a handler of these steps is answered with. */
async function answerOf(handler: (deadline: RequestDeadline) => Promise<void>): Promise<number | string> {
  const deadline = new RequestDeadline()
  const work = () => handler(deadline).then(() => new Response(null, { status: 204 }))
  const answer = deadline.run(work).then(
    ({ status }) => status,
    (error: unknown) => (isProtocolError(error) ? error.code : 'bug'),
  )
  await vi.advanceTimersByTimeAsync(20_000)
  return await answer
}

test('a handler that takes longer than 900 ms is answered with unavailable', async () => {
  expect(await answerOf(() => pause(899))).toBe(204)
  expect(await answerOf(() => pause(901))).toBe('unavailable')
})

test('a request to another server does not count; what comes before and after does', async () => {
  const outside = (deadline: RequestDeadline) => deadline.suspend(() => pause(3_000))
  const steps = (before: number, after: number) => async (deadline: RequestDeadline) => {
    await pause(before)
    await outside(deadline)
    await pause(after)
  }
  expect(await answerOf(steps(500, 500))).toBe(204)
  expect(await answerOf(steps(901, 0))).toBe('unavailable')
  expect(await answerOf(steps(0, 901))).toBe('unavailable')
})

test('a handler that waits for events has no deadline', async () => {
  const handler = async (deadline: RequestDeadline) => {
    deadline.lift()
    await pause(10_000)
  }
  expect(await answerOf(handler)).toBe(204)
})
