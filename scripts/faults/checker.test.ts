import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check } from './checker'
import { cleanHistory } from './clean-history'
import { type Fault, History, type Kind, type Operation } from './history'

/** Builds a history: each operation takes 10 ms, and the next starts 90 ms after its response. */
class HistoryBuilder {
  readonly history = new History()
  #now = 1_000

  /** `outcome`: the status, or why there was no response. */
  add(
    client: string,
    kind: Kind,
    outcome: number | 'reset' | 'timeout',
    more: Partial<Pick<Operation, 'facts' | 'known' | 'code' | 'retryAfterS' | 'attempt'>> & { tookMs?: number } = {},
  ): this {
    const { tookMs = 10, attempt = 'one', known = {}, ...rest } = more
    const operation = this.history.open({ client, kind, attempt, instance: 0, known }, this.#now)
    this.#now += tookMs
    if (typeof outcome === 'number') Object.assign(operation, { status: outcome, answeredAt: this.#now, ...rest })
    else Object.assign(operation, { failure: outcome, failedAt: this.#now })
    this.#now += 90
    return this
  }

  wait(ms: number): this {
    this.#now += ms
    return this
  }

  fault(kind: Omit<Fault, 'name' | 'from' | 'to'>, forMs = 500): this {
    this.history.addFault({ name: 'fault', from: this.#now, to: this.#now + forMs, ...kind })
    this.#now += forMs
    return this
  }

  started(): this {
    return this.add('computer', 'start', 201, { facts: { status: 'pending', version: 1 } })
  }

  scanned(required = false): this {
    return this.started().add('phone', 'scan', 200, {
      facts: { status: 'scanned', required },
      known: { matchDue: required },
    })
  }

  confirmed(): this {
    return this.scanned()
      .wait(700)
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } })
  }

  redeemed(): this {
    return this.confirmed().add('computer', 'redeem', 200, { facts: { session: 'S' } })
  }

  session(signedIn: boolean): this {
    return this.add('computer', 'session', 200, { facts: { signedIn } })
  }

  /** The names of the violated rules, each once. */
  found(): string[] {
    return [...new Set(check(this.history).violations.map(({ rule }) => rule))]
  }
}

const build = () => new HistoryBuilder()
const UNEXPLAINED = 'no order of the operations explains the responses'

const PLANTED: [name: string, rule: string, history: HistoryBuilder][] = [
  [
    'a second session of one attempt',
    'second session',
    build()
      .redeemed()
      .add('computer', 'redeem', 200, { facts: { session: 'T' } }),
  ],
  [
    'a ticket that is taken again after the 10 s of a repeat',
    'second session',
    build()
      .redeemed()
      .wait(12_000)
      .add('computer', 'redeem', 200, { facts: { session: 'S' } }),
  ],
  [
    'a person with two computers after one attempt',
    'second session',
    build()
      .redeemed()
      .add('phone', 'list', 200, { facts: { sessions: ['S', 'T'] } }),
  ],
  [
    'a confirm after the phone had cancelled',
    'cancel undone',
    build()
      .scanned()
      .wait(700)
      .add('phone', 'cancel', 200, { facts: { status: 'cancelled' } })
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a redeem after the computer had cancelled, and a failover',
    'cancel undone',
    build()
      .confirmed()
      .add('computer', 'leave', 204)
      .fault({ losesTail: true })
      .add('computer', 'redeem', 200, { facts: { session: 'S' } }),
  ],
  [
    'an attempt that goes on after its cancel, and a failover',
    'cancel undone',
    build()
      .scanned()
      .add('phone', 'cancel', 200, { facts: { status: 'cancelled' } })
      .fault({ losesTail: true })
      .add('computer', 'show', 200, { facts: { status: 'scanned', version: 2, required: false } }),
  ],
  [
    'a scan that two phones were granted',
    'two scanners',
    build()
      .scanned()
      .add('rival', 'scan', 200, { facts: { status: 'scanned', required: false } }),
  ],
  [
    'a confirm of a phone that did not scan',
    'confirmed by another phone',
    build()
      .scanned()
      .wait(700)
      .add('rival', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a confirm without the number that is required',
    'confirmed without the number',
    build()
      .scanned(true)
      .wait(700)
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a confirm in the moment of the scan',
    'confirmed too soon',
    build()
      .scanned()
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a version that goes back',
    'version went back',
    build()
      .scanned()
      .add('computer', 'show', 200, { facts: { status: 'scanned', version: 2, required: false } })
      .add('computer', 'show', 200, { facts: { status: 'pending', version: 1 } }),
  ],
  [
    'a session that works after its granted sign-out',
    'session works after its sign-out',
    build().redeemed().add('computer', 'signOut', 204).session(true),
  ],
  [
    'a session that works after a sign-out everywhere, and a failover',
    'session works after its sign-out',
    build().redeemed().add('phone', 'signOutAll', 204).fault({ losesTail: true }).session(true),
  ],
  [
    'a session that works after "Wasn\'t you?"',
    'session works after its sign-out',
    build()
      .redeemed()
      .add('phone', 'cancel', 200, { facts: { status: 'revoked' } })
      .add('phone', 'list', 200, { facts: { sessions: ['S'] } }),
  ],
  [
    'a redeem after a sign-out everywhere that was scanned before it',
    'session begun after a sign-out everywhere',
    build()
      .confirmed()
      .add('phone', 'signOutAll', 204)
      .add('computer', 'redeem', 200, { facts: { session: 'S' } }),
  ],
  [
    'a granted sign-in that is gone after a kill -9',
    'sign-in lost',
    build().redeemed().fault({ kills: true }).session(false),
  ],
  ['an internal error', 'internal error', build().scanned().add('phone', 'confirm', 500)],
  [
    'a response after 1.2 s',
    'late response',
    build()
      .scanned()
      .add('phone', 'list', 200, { tookMs: 1_200, facts: { sessions: [] } }),
  ],
  ['a request without a response', 'no response', build().scanned().add('phone', 'list', 'timeout')],
  ['a connection that is reset while no process died', 'no response', build().scanned().add('phone', 'list', 'reset')],
  [
    'a 503 four seconds after the fault has ended',
    'unavailable without a fault',
    build().started().fault({}).wait(4_000).add('phone', 'scan', 503),
  ],
  [
    'a fault in which one request of two fails, where one of ten may',
    'more failed than the fault explains',
    (() => {
      const built = build().started()
      built.history.addFault({ name: 'lossy', from: 1_050, to: 1_300, mostFailed: 0.1 })
      return built.add('phone', 'list', 503).add('phone', 'list', 200, { facts: { sessions: [] } })
    })(),
  ],
  [
    'a limit whose retry delay is a day',
    'retry delay longer than its window',
    build().started().add('computer', 'start', 429, { code: 'rate_limited', retryAfterS: 86_459 }),
  ],
  [
    'a browser that starts 13 attempts in a minute',
    'limit exceeded',
    Array.from({ length: 13 }).reduce<HistoryBuilder>((each, _, index) => {
      const facts = { status: 'pending', version: 1 }
      return each.add('computer', 'start', 201, { attempt: `number ${index}`, facts })
    }, build()),
  ],
  [
    'an expired code that scans after a clock went back by a day',
    'expired code scanned',
    build()
      .started()
      .wait(70_000)
      .fault({ stepMs: -86_400_000 })
      .wait(2_000)
      .add('phone', 'scan', 200, {
        facts: { status: 'scanned', required: false },
        known: { codeReadAt: 1_000, codeGoneFrom: 61_000, codeGoneBy: 61_010 },
      }),
  ],
  [
    'a code that is refused while it is valid',
    'valid code refused',
    build()
      .started()
      .add('phone', 'scan', 410, {
        code: 'code_expired',
        known: { codeReadAt: 1_000, codeGoneFrom: 61_000, codeGoneBy: 61_010 },
      }),
  ],
  [
    'a live session that receives a notice that it has ended',
    'false notice of a sign-out',
    build()
      .redeemed()
      .add('computer', 'notice', 200, { facts: { by: 'time' } }),
  ],
  [
    'a stream that receives nothing while its attempt continues',
    'stream went silent',
    build().started().add('computer', 'silence', 200),
  ],
  [
    'a transition that was skipped',
    UNEXPLAINED,
    build()
      .scanned()
      .add('computer', 'show', 200, { facts: { status: 'scanned', version: 3, required: false } }),
  ],
  [
    'a granted scan that is gone after a kill -9',
    UNEXPLAINED,
    build()
      .scanned()
      .fault({ kills: true })
      .add('computer', 'show', 200, { facts: { status: 'pending', version: 1 } }),
  ],
  [
    'a third try of the number',
    UNEXPLAINED,
    build()
      .scanned(true)
      .add('computer', 'match', 409, { code: 'match_wrong', known: { right: false }, facts: { attemptsLeft: 1 } })
      .add('computer', 'match', 409, { code: 'match_wrong', known: { right: false }, facts: { attemptsLeft: 0 } }),
  ],
]

describe('planted violations are named', () => {
  test.each(PLANTED)('%s: %s', (_, rule, history) => {
    expect(history.found()).toEqual([rule])
  })
})

describe('what may happen is not reported', () => {
  const failover = { losesTail: true }
  const ALLOWED: [name: string, history: HistoryBuilder][] = [
    [
      'a sign-in, and its repeats within 10 s',
      build()
        .redeemed()
        .add('computer', 'redeem', 200, { facts: { session: 'S' } })
        .session(true),
    ],
    [
      'a redeem without a response that began the session',
      build()
        .confirmed()
        .fault({ kills: true })
        .wait(-400)
        .add('computer', 'redeem', 'reset')
        .add('phone', 'list', 200, { facts: { sessions: ['S'] } }),
    ],
    [
      'a redeem without a response that did nothing',
      build()
        .confirmed()
        .fault({ kills: true })
        .wait(-400)
        .add('computer', 'redeem', 'reset')
        .add('phone', 'list', 200, { facts: { sessions: [] } }),
    ],
    [
      'a sign-in that a failover has lost, and its repeat',
      build()
        .redeemed()
        .fault(failover)
        .session(false)
        .add('computer', 'redeem', 200, { facts: { session: 'S' } })
        .session(true),
    ],
    [
      "a scan that a failover has lost, and another phone's",
      build()
        .scanned()
        .fault(failover)
        .add('rival', 'scan', 200, { facts: { status: 'scanned', required: false } }),
    ],
    [
      'an attempt that a failover has lost',
      build().scanned().fault(failover).add('computer', 'show', 404, { code: 'not_found' }),
    ],
    ['a 503 within 3 s of the end of a fault', build().started().fault({}).wait(1_000).add('phone', 'scan', 503)],
  ]
  test.each(ALLOWED)('%s', (_, history) => {
    expect(history.found()).toEqual([])
  })

  test('histories of the real state machine, with lost responses and 503s, in any interleaving', () => {
    const undecided = new Set<number>()
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const verdict = check(cleanHistory(seed))
        if (verdict.undecided > 0) undecided.add(seed)
        expect(verdict.violations.map(({ rule }) => rule)).toEqual([])
      }),
      { numRuns: 3_000 },
    )
    expect(undecided.size).toBe(0)
  })
})

test('a version that is wrong in one response of such a history is always found', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const history = cleanHistory(seed)
      const shown = history.operations.find(({ kind, facts }) => kind === 'show' && facts.version !== undefined)
      fc.pre(shown !== undefined)
      // More than there are transitions.
      shown.facts = { ...shown.facts, version: 99 }
      expect(check(history).violations).not.toEqual([])
    }),
  )
})
