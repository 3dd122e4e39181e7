import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { T0 } from '../../../test/support/fixtures'
import { type Drawn, decide, start, steps, toStep, Witness } from '../../../test/support/interleavings'
import type { Attempt } from './attempt'

/** Whether a write based on an older read is applied. */
type CompareAndSet = (read: Attempt, stored: Attempt) => boolean

const compareAndSet: CompareAndSet = (read, stored) => read.version === stored.version

/**
 * Applies the steps to the pure domain. Reads may be older than the stored attempt; `maySet`
 * decides whether such a write is applied.
 */
function playDomain(drawn: Drawn[], maySet: CompareAndSet): void {
  const stored: [Attempt, Attempt] = start()
  const oldReads: [Attempt, Attempt] = [...stored]
  const witnesses = stored.map((attempt) => new Witness(attempt))
  let now = T0
  for (const each of drawn) {
    const { attempt: index, event, name, waitMs } = toStep(each)
    now += waitMs
    const first = each.isStale ? oldReads[index] : stored[index]
    oldReads[index] = stored[index]
    for (const read of [first, stored[index]]) {
      const outcome = decide(read, event(read.id), now)
      if (outcome === null) break
      const isWrite = outcome.attempt !== read
      if (isWrite && !maySet(read, stored[index])) continue
      if (isWrite) stored[index] = outcome.attempt
      if (isWrite || read === stored[index]) witnesses[index]?.record(name, outcome)
      break
    }
  }
}

const RUNS = 100_000

describe('two computers, two phones, retries and time, in any order', () => {
  test('with compare-and-set: one scanner, one winner, one session', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(steps, (drawn) => playDomain(drawn, compareAndSet)),
      { numRuns: RUNS },
    )
  })

  test('without compare-and-set the same property fails', () => {
    const blind = fc.property(steps, (drawn) => playDomain(drawn, () => true))
    expect(fc.check(blind, { numRuns: RUNS, endOnFailure: true }).failed).toBe(true)
  })
})
