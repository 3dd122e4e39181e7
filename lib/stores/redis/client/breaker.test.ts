import { stat } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Breaker } from './breaker'
import { RedisFailure } from './redis'

const failing = () => Promise.reject(new RedisFailure('away'))

describe('the circuit breaker', () => {
  test('concurrent failures count as one', async () => {
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

  test('opens after five failures in a row, refuses calls for a second, then lets one probe through', async () => {
    let now = 0
    let calls = 0
    const breaker = new Breaker(() => now)
    const run = (reply: () => Promise<unknown>) =>
      breaker
        .run(() => {
          calls += 1
          return reply()
        })
        .then(
          () => 'replied',
          () => 'failed',
        )
    for (let count = 0; count < 5; count += 1) await run(failing)
    expect(calls).toBe(5)
    for (let count = 0; count < 5; count += 1) expect(await run(async () => 1)).toBe('failed')
    expect(calls).toBe(5)
    now = 1_000
    let reply = (_: number) => {}
    const probe = run(
      () =>
        new Promise((resolve) => {
          reply = resolve
        }),
    )
    expect(await run(async () => 1)).toBe('failed')
    reply(1)
    expect(await probe).toBe('replied')
    expect(await run(async () => 1)).toBe('replied')
    expect(calls).toBe(7)
  })

  test('stays open if the probe fails', async () => {
    let now = 0
    const breaker = new Breaker(() => now)
    for (let count = 0; count < 5; count += 1) await breaker.run(failing).catch(() => {})
    now = 1_000
    await expect(breaker.run(failing)).rejects.toThrow('away')
    await expect(breaker.run(async () => 1)).rejects.toThrow('the circuit is open')
  })

  test('an error reply is no failure of the server', async () => {
    const breaker = new Breaker(() => 0)
    for (let count = 0; count < 10; count += 1) {
      await expect(breaker.run(() => Promise.reject(new Error('wrong type')))).rejects.toThrow('wrong type')
    }
    expect(await breaker.run(async () => 1)).toBe(1)
  })

  test('a reply that arrived while the process was busy for longer than the timeout counts', async () => {
    const breaker = new Breaker(Date.now)
    const read = breaker.run(async () => (await stat('package.json')).isFile())
    // The reply arrives long before this loop ends, but the event loop has not read it.
    const until = Date.now() + 700
    while (Date.now() < until);
    expect(await read).toBe(true)
  })
})
