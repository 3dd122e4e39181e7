import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { LIFETIMES, T0 } from '../../../test/support/fixtures'
import { decide, start, steps, toStep, Witness } from '../../../test/support/interleavings'
import { type Attempt, attemptAt } from '../../core/attempt/attempt'
import { type AttemptEvent, type Outcome, transition } from '../../core/attempt/transition'
import { ProtocolError } from '../../core/errors'
import { updateAttempt } from '../../core/update-attempt'
import { SqliteStore } from './store'

function fail(error: unknown): never {
  throw error
}

const RUNS = 30_000

describe('two computers, two phones, retries and time, in any order', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-races-'))
  const store = new SqliteStore(folder, fail)
  afterAll(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })

  function apply(id: string, event: AttemptEvent, now: number): Outcome | null {
    try {
      const changed = updateAttempt(store, id, (read) => transition(read, event, now, LIFETIMES))
      if (changed instanceof Promise) return expect.fail('the embedded store must be synchronous')
      if (changed === null) return null
      const { ended, ...outcome } = changed
      if (ended.length > 0) expect(ended).toEqual([])
      return outcome
    } catch (error) {
      if (error instanceof ProtocolError) return null
      throw error
    }
  }

  test('the embedded store: one scanner, one winner, one session, and the same results as the domain', {
    timeout: 120_000,
  }, () => {
    let run = 0
    const property = fc.property(steps, (drawn) => {
      const attempts = start()
      const expected: Attempt[] = [...attempts]
      const witnesses = attempts.map((attempt) => new Witness(attempt))
      for (const attempt of attempts) store.insertAttempt(attempt)
      let now = T0
      for (const each of drawn) {
        const { attempt: index, event, name, waitMs } = toStep(each)
        now += waitMs
        const { id } = attempts[index]
        const should = decide(expected[index] as Attempt, event(id), now)
        const outcome = apply(id, event(id), now)
        if (!isDeepStrictEqual(outcome, should)) expect(outcome).toEqual(should)
        if (outcome === null) continue
        expected[index] = outcome.attempt
        witnesses[index]?.record(name, outcome)
      }
      for (const [index, { id }] of attempts.entries()) {
        const found = store.findAttempt(id) as Attempt
        if (!isDeepStrictEqual(found, expected[index])) expect(found).toEqual(expected[index])
        if (attemptAt(found, now).version < found.version) expect.fail('a version has decreased')
      }
      run += 1
      if (run % 100 === 0) store.sweep(Number.MAX_SAFE_INTEGER, 1_000)
    })
    fc.assert(property, { numRuns: RUNS })
  })
})
