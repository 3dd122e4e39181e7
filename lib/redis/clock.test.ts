import { expect, test } from 'vitest'
import { SharedClock } from './clock'

test('two processes whose clocks are ten seconds apart have one time', async () => {
  const server = 1_800_000_000_000
  const [ahead, behind] = [5_000, -5_000].map(
    (skewMs) =>
      new SharedClock(
        async () => server,
        () => server + skewMs,
      ),
  )
  for (const clock of [ahead, behind]) await clock?.sync()
  expect([ahead?.now(), behind?.now()]).toEqual([server, server])
  for (const clock of [ahead, behind]) clock?.stop()
})

test('a clock that was never set is not right', async () => {
  let answer: () => Promise<number> = () => Promise.reject(new Error('away'))
  const clock = new SharedClock(
    () => answer(),
    () => 0,
  )
  await expect(clock.check()).rejects.toThrow('not known yet')
  answer = async () => 5_000
  await clock.check()
  expect(clock.now()).toBe(5_000)
  clock.stop()
})

test('an answer that is late or missing changes nothing', async () => {
  let local = 1_000
  let answer: () => Promise<number> = async () => 5_000
  const clock = new SharedClock(
    () => answer(),
    () => local,
  )
  await clock.sync()
  expect(clock.now()).toBe(5_000)
  answer = async () => {
    local += 300
    return 99_000
  }
  await clock.sync()
  expect(clock.now()).toBe(5_300)
  answer = () => Promise.reject(new Error('away'))
  await clock.sync()
  expect(clock.now()).toBe(5_300)
  clock.stop()
})
