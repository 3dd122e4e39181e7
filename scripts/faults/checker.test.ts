import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check } from './checker.mjs'
import { cleanHistory } from './clean-history'
import { type Fault, History, type Kind, type Operation } from './history.mjs'

/** A history by hand: each operation takes 10 ms, and the next comes 90 ms after its answer. */
class Told {
  readonly history = new History()
  #now = 1_000

  /** `answer`: the status, or the reason why there was none. */
  add(
    client: string,
    kind: Kind,
    answer: number | 'reset' | 'timeout',
    more: Partial<Pick<Operation, 'facts' | 'asked' | 'code' | 'retryAfterS' | 'attempt'>> & { tookMs?: number } = {},
  ): this {
    const { tookMs = 10, attempt = 'one', asked = {}, ...rest } = more
    const operation = this.history.open({ client, kind, attempt, instance: 0, asked }, this.#now)
    this.#now += tookMs
    if (typeof answer === 'number') Object.assign(operation, { status: answer, answeredAt: this.#now, ...rest })
    else Object.assign(operation, { failure: answer, failedAt: this.#now })
    this.#now += 90
    return this
  }

  wait(ms: number): this {
    this.#now += ms
    return this
  }

  fault(kind: Omit<Fault, 'name' | 'from' | 'to'>, forMs = 500): this {
    this.history.note({ name: 'fault', from: this.#now, to: this.#now + forMs, ...kind })
    this.#now += forMs
    return this
  }

  started(): this {
    return this.add('computer', 'start', 201, { facts: { status: 'pending', version: 1 } })
  }

  scanned(required = false): this {
    return this.started().add('phone', 'scan', 200, {
      facts: { status: 'scanned', required },
      asked: { matchDue: required },
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

  /** The names of what was found, each once. */
  found(): string[] {
    return [...new Set(check(this.history).violations.map(({ rule }) => rule))]
  }
}

const told = () => new Told()
const UNEXPLAINED = 'no order of the operations explains the answers'

const PLANTED: [name: string, rule: string, history: Told][] = [
  [
    'a second session of one attempt',
    'second session',
    told()
      .redeemed()
      .add('computer', 'redeem', 200, { facts: { session: 'T' } }),
  ],
  [
    'a ticket that is taken again after the 10 s of a repeat',
    'second session',
    told()
      .redeemed()
      .wait(12_000)
      .add('computer', 'redeem', 200, { facts: { session: 'S' } }),
  ],
  [
    'a person with two computers after one attempt',
    'second session',
    told()
      .redeemed()
      .add('phone', 'list', 200, { facts: { sessions: ['S', 'T'] } }),
  ],
  [
    'a confirm after the phone had cancelled',
    'cancel undone',
    told()
      .scanned()
      .wait(700)
      .add('phone', 'cancel', 200, { facts: { status: 'cancelled' } })
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a redeem after the computer had left, and a failover',
    'cancel undone',
    told()
      .confirmed()
      .add('computer', 'leave', 204)
      .fault({ losesTail: true })
      .add('computer', 'redeem', 200, { facts: { session: 'S' } }),
  ],
  [
    'an attempt that goes on after its cancel, and a failover',
    'cancel undone',
    told()
      .scanned()
      .add('phone', 'cancel', 200, { facts: { status: 'cancelled' } })
      .fault({ losesTail: true })
      .add('computer', 'show', 200, { facts: { status: 'scanned', version: 2, required: false } }),
  ],
  [
    'a scan that two phones were granted',
    'two scanners',
    told()
      .scanned()
      .add('rival', 'scan', 200, { facts: { status: 'scanned', required: false } }),
  ],
  [
    'a confirm of a phone that did not scan',
    'confirmed by another phone',
    told()
      .scanned()
      .wait(700)
      .add('rival', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a confirm without the number that was asked for',
    'confirmed without the number',
    told()
      .scanned(true)
      .wait(700)
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a confirm in the moment of the scan',
    'confirmed too soon',
    told()
      .scanned()
      .add('phone', 'confirm', 200, { facts: { status: 'confirmed' } }),
  ],
  [
    'a version that goes back',
    'version went back',
    told()
      .scanned()
      .add('computer', 'show', 200, { facts: { status: 'scanned', version: 2, required: false } })
      .add('computer', 'show', 200, { facts: { status: 'pending', version: 1 } }),
  ],
  [
    'a session that works after its answered sign-out',
    'session works after its sign-out',
    told().redeemed().add('computer', 'signOut', 204).session(true),
  ],
  [
    'a session that works after a sign-out everywhere, and a failover',
    'session works after its sign-out',
    told().redeemed().add('phone', 'signOutAll', 204).fault({ losesTail: true }).session(true),
  ],
  [
    'a session that works after "Wasn\'t you?"',
    'session works after its sign-out',
    told()
      .redeemed()
      .add('phone', 'cancel', 200, { facts: { status: 'revoked' } })
      .add('phone', 'list', 200, { facts: { sessions: ['S'] } }),
  ],
  [
    'a redeem after a sign-out everywhere that was scanned before it',
    'session begun after a sign-out everywhere',
    told()
      .confirmed()
      .add('phone', 'signOutAll', 204)
      .add('computer', 'redeem', 200, { facts: { session: 'S' } }),
  ],
  [
    'an answered sign-in that is gone after a kill -9',
    'sign-in lost',
    told().redeemed().fault({ kills: true }).session(false),
  ],
  ['an internal error', 'internal error', told().scanned().add('phone', 'confirm', 500)],
  [
    'an answer after 1.2 s',
    'late answer',
    told()
      .scanned()
      .add('phone', 'list', 200, { tookMs: 1_200, facts: { sessions: [] } }),
  ],
  ['a request that is never answered', 'no answer', told().scanned().add('phone', 'list', 'timeout')],
  ['a connection that is reset while no process died', 'no answer', told().scanned().add('phone', 'list', 'reset')],
  [
    'a 503 four seconds after the fault has ended',
    'unavailable without a fault',
    told().started().fault({}).wait(4_000).add('phone', 'scan', 503),
  ],
  [
    'a fault in which one request of two fails, where one of ten may',
    'more failed than the fault explains',
    (() => {
      const history = told().started()
      history.history.note({ name: 'lossy', from: 1_050, to: 1_300, mostFailed: 0.1 })
      return history.add('phone', 'list', 503).add('phone', 'list', 200, { facts: { sessions: [] } })
    })(),
  ],
  [
    'a limit that asks for a day of patience',
    'wait longer than its window',
    told().started().add('computer', 'start', 429, { code: 'rate_limited', retryAfterS: 86_459 }),
  ],
  [
    'a browser that starts 13 attempts in a minute',
    'limit exceeded',
    Array.from({ length: 13 }).reduce<Told>((each, _, index) => {
      const facts = { status: 'pending', version: 1 }
      return each.add('computer', 'start', 201, { attempt: `number ${index}`, facts })
    }, told()),
  ],
  [
    'a code that scans after it has died, and a clock that went back by a day',
    'dead code scanned',
    told()
      .started()
      .wait(70_000)
      .fault({ stepMs: -86_400_000 })
      .wait(2_000)
      .add('phone', 'scan', 200, {
        facts: { status: 'scanned', required: false },
        asked: { codeReadAt: 1_000, codeGoneFrom: 61_000, codeGoneBy: 61_010 },
      }),
  ],
  [
    'a code that is refused while it is good',
    'living code refused',
    told()
      .started()
      .add('phone', 'scan', 410, {
        code: 'code_expired',
        asked: { codeReadAt: 1_000, codeGoneFrom: 61_000, codeGoneBy: 61_010 },
      }),
  ],
  [
    'a live session that is told that it has ended',
    'told that it is signed out',
    told()
      .redeemed()
      .add('computer', 'notice', 200, { facts: { by: 'time' } }),
  ],
  [
    'a stream that says nothing while its attempt goes on',
    'stream went silent',
    told().started().add('computer', 'silence', 200),
  ],
  [
    'a transition that was skipped',
    UNEXPLAINED,
    told()
      .scanned()
      .add('computer', 'show', 200, { facts: { status: 'scanned', version: 3, required: false } }),
  ],
  [
    'an answered scan that is gone after a kill -9',
    UNEXPLAINED,
    told()
      .scanned()
      .fault({ kills: true })
      .add('computer', 'show', 200, { facts: { status: 'pending', version: 1 } }),
  ],
  [
    'a third try of the number',
    UNEXPLAINED,
    told()
      .scanned(true)
      .add('computer', 'match', 409, { code: 'match_wrong', asked: { right: false }, facts: { attemptsLeft: 1 } })
      .add('computer', 'match', 409, { code: 'match_wrong', asked: { right: false }, facts: { attemptsLeft: 0 } }),
  ],
]

describe('planted violations are named', () => {
  test.each(PLANTED)('%s: %s', (_, rule, history) => {
    expect(history.found()).toEqual([rule])
  })
})

describe('what may happen is not accused', () => {
  const failover = { losesTail: true }
  const ALLOWED: [name: string, history: Told][] = [
    [
      'a sign-in, and its repeats within 10 s',
      told()
        .redeemed()
        .add('computer', 'redeem', 200, { facts: { session: 'S' } })
        .session(true),
    ],
    [
      'a redeem without an answer that began the session',
      told()
        .confirmed()
        .fault({ kills: true })
        .wait(-400)
        .add('computer', 'redeem', 'reset')
        .add('phone', 'list', 200, { facts: { sessions: ['S'] } }),
    ],
    [
      'a redeem without an answer that did nothing',
      told()
        .confirmed()
        .fault({ kills: true })
        .wait(-400)
        .add('computer', 'redeem', 'reset')
        .add('phone', 'list', 200, { facts: { sessions: [] } }),
    ],
    [
      'a sign-in that a failover has lost, and that is repeated',
      told()
        .redeemed()
        .fault(failover)
        .session(false)
        .add('computer', 'redeem', 200, { facts: { session: 'S' } })
        .session(true),
    ],
    [
      "a scan that a failover has lost, and another phone's",
      told()
        .scanned()
        .fault(failover)
        .add('rival', 'scan', 200, { facts: { status: 'scanned', required: false } }),
    ],
    [
      'an attempt that a failover has lost',
      told().scanned().fault(failover).add('computer', 'show', 404, { code: 'not_found' }),
    ],
    ['a 503 within 3 s of the end of a fault', told().started().fault({}).wait(1_000).add('phone', 'scan', 503)],
  ]
  test.each(ALLOWED)('%s', (_, history) => {
    expect(history.found()).toEqual([])
  })

  test('histories of the real state machine, with lost answers and 503s, in any interleaving', () => {
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

test('a version that is wrong in one answer of such a history is always noticed', () => {
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
