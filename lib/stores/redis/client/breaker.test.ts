import { stat } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Breaker } from './breaker'
import { RedisFailure } from './redis'

const failing = () => Promise.reject(new RedisFailure('away'))

describe('a breaker', () => {
  test('calls that fail at the same time are one failure', async () => {
    let now = 0
    const breaker = new Breaker(() => now)
    const together = async () => {
      const calls = Array.from({ length: 100 }, () => breaker.run(failing).catch(() => {}))
      now += 1
      await Promise.all(calls)
    }
    for (let times = 0; times < 4; times += 1) await together()
    expect(breaker.isOpen).toBe(false)
    await together()
    expect(breaker.isOpen).toBe(true)
  })

  test('opens after five failures in a row, asks nobody for a second, and then one', async () => {
    let now = 0
    let asked = 0
    const breaker = new Breaker(() => now)
    const ask = (answer: () => Promise<unknown>) =>
      breaker
        .run(() => {
          asked += 1
          return answer()
        })
        .then(
          () => 'answered',
          () => 'failed',
        )
    for (let count = 0; count < 5; count += 1) await ask(failing)
    expect(asked).toBe(5)
    for (let count = 0; count < 5; count += 1) expect(await ask(async () => 1)).toBe('failed')
    expect(asked).toBe(5)
    now = 1_000
    let answer = (_: number) => {}
    const probe = ask(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    expect(await ask(async () => 1)).toBe('failed')
    answer(1)
    expect(await probe).toBe('answered')
    expect(await ask(async () => 1)).toBe('answered')
    expect(asked).toBe(7)
  })

  test('stays open when the one that asks fails too', async () => {
    let now = 0
    const breaker = new Breaker(() => now)
    for (let count = 0; count < 5; count += 1) await breaker.run(failing).catch(() => {})
    now = 1_000
    await expect(breaker.run(failing)).rejects.toThrow('away')
    await expect(breaker.run(async () => 1)).rejects.toThrow('not there just now')
  })

  test('an answer that is an error is an answer', async () => {
    const breaker = new Breaker(() => 0)
    for (let count = 0; count < 10; count += 1) {
      await expect(breaker.run(() => Promise.reject(new Error('wrong type')))).rejects.toThrow('wrong type')
    }
    expect(await breaker.run(async () => 1)).toBe(1)
  })

  test('a process that was busy for longer than the deadline does not blame the server', async () => {
    const breaker = new Breaker(Date.now)
    const asked = breaker.run(async () => (await stat('package.json')).isFile())
    // The answer is there long before this is over, but it has not been read.
    const until = Date.now() + 700
    while (Date.now() < until);
    expect(await asked).toBe(true)
  })
})
