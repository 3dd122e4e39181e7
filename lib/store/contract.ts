import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Attempt } from '../attempt/attempt'
import { ProtocolError } from '../attempt/errors'
import { type AttemptEvent, transition } from '../attempt/transition'
import { FullError, type Guard } from '../limits/limits'
import { type AnySession, type ComputerSession, createComputerSession, createPhoneSession } from '../session/session'
import { ADA, COMPUTER, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../testing/fixtures'
import { type AccountChange, type Beginning, type Change, MAX_REMEMBERED, type Store } from './store'

const SESSION_LIFETIMES = { computerMs: 604_800_000, computerIdleMs: 86_400_000, phoneIdleMs: 2_592_000_000 }
const UNKNOWN_DEVICE = { browser: null, os: null, place: null }
const { browserHash: HASH } = COMPUTER

const computer = (id: string, person = ADA.person, now = T0, browserHash = HASH): ComputerSession =>
  createComputerSession({ id, person, computer: { ...UNKNOWN_DEVICE, browserHash } }, now, SESSION_LIFETIMES)

/** As it begins: after this one the person keeps so many. */
const beginning = <S extends AnySession>(
  session: S,
  facts: Partial<Omit<Beginning, 'session'>> = {},
): Beginning<S> => ({
  session,
  now: session.signedInAt,
  replaces: null,
  keeps: 20,
  by: 'limit',
  idleMs: SESSION_LIFETIMES.computerIdleMs,
  ...facts,
})

export interface StoreUnderTest {
  /** With room for 100 attempts, and for 50 counters of each rule. */
  store: Store
  /** How many keys, rows or listeners there are for watching attempts. */
  countWatchers: () => Promise<number> | number
  /** Another connection to the same data, as after a restart or from another server. */
  reopen: () => Promise<Store>
  dispose: () => Promise<void>
}

/** What every store promises. Run on the real thing by each adapter's test. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let opened: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(async () => await opened.dispose())

    const apply =
      (event: AttemptEvent, now = T0) =>
      (attempt: Attempt) =>
        transition(attempt, event, now, LIFETIMES)
    const id = pendingAttempt().id

    test('an attempt is found as it was written, and an unknown one is null', async () => {
      await store.insertAttempt(pendingAttempt())
      expect(await store.findAttempt(id)).toEqual(pendingAttempt())
      expect(await store.findAttempt('BBBBBBBBBBBBBBBB')).toBeNull()
    })

    test('an id is never written twice', async () => {
      await store.insertAttempt(pendingAttempt())
      await expect(async () => await store.insertAttempt(pendingAttempt())).rejects.toThrow()
    })

    test('an update is there for the next read, on every connection', async () => {
      await store.insertAttempt(pendingAttempt())
      const outcome = await store.updateAttempt(id, apply(scanBy(ADA)))
      expect(outcome?.attempt).toMatchObject({ status: 'scanned', version: 2 })
      expect(await (await opened.reopen()).findAttempt(id)).toEqual(outcome?.attempt)
    })

    test('an update of an unknown attempt is null, and the change is not asked', async () => {
      expect(await store.updateAttempt(id, () => expect.fail('there is nothing to change'))).toBeNull()
    })

    test('a refused change is thrown, and nothing is written', async () => {
      await store.insertAttempt(pendingAttempt())
      const update = async () => await store.updateAttempt(id, apply({ type: 'confirm', phone: ADA }))
      await expect(update).rejects.toBeInstanceOf(ProtocolError)
      expect(await store.findAttempt(id)).toEqual(pendingAttempt())
    })

    test('an unchanged attempt is neither written nor announced', async () => {
      await store.insertAttempt(pendingAttempt())
      let heard = 0
      await store.watchAttempt(id, HASH, () => (heard += 1), T0)
      const outcome = await store.updateAttempt(id, (attempt) => ({ attempt }))
      expect(outcome?.attempt).toEqual(pendingAttempt())
      expect(heard).toBe(0)
    })

    test('a change that lost the race is decided again on what the winner wrote', async () => {
      await store.insertAttempt(pendingAttempt())
      const from = await store.findAttempt(id)
      // Between this read and its write another server is faster.
      await (await opened.reopen()).updateAttempt(id, apply(scanBy(LIN)))
      let decided = 0
      const slow = async () =>
        await store.updateAttempt(
          id,
          (attempt) => {
            decided += 1
            return transition(attempt, scanBy(ADA), T0, LIFETIMES)
          },
          { from },
        )
      await expect(slow).rejects.toMatchObject({ code: 'attempt_taken' })
      expect(decided).toBe(2)
      expect(await store.findAttempt(id)).toMatchObject({ version: 2, scan: { phone: { person: { id: 'lin' } } } })
    })

    const guardOf = (limit: number): Guard => ({
      counters: [{ rule: 'rule', key: 'guard', limit, windowMs: 60_000, counts: true }],
      now: T0,
      refuse: (waitMs) => new Error(`wait ${waitMs}`),
    })
    const left = async (limit: number) => {
      let count = 0
      while ((await store.take(guardOf(limit).counters, T0)) === 0) count += 1
      return count
    }

    test('a guard that is full keeps an attempt from being written', async () => {
      await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'), guardOf(1))
      const second = async () => await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA2'), guardOf(1))
      await expect(second).rejects.toThrow('wait 60000')
      expect(await store.findAttempt('AAAAAAAAAAAAAAA1')).not.toBeNull()
      expect(await store.findAttempt('AAAAAAAAAAAAAAA2')).toBeNull()
    })

    test('a guard is counted once for an update, whatever comes of it', async () => {
      await store.insertAttempt(pendingAttempt())
      const guard = guardOf(10)
      const update = async (event: AttemptEvent) => await store.updateAttempt(id, apply(event), { guard })
      await update(scanBy(ADA))
      await update(scanBy(ADA))
      await expect(update({ type: 'redeem', ticketRight: true, sessionId: 's', maxTries: 5 })).rejects.toThrow(
        ProtocolError,
      )
      await store.updateAttempt('BBBBBBBBBBBBBBBB', apply(scanBy(ADA)), { guard })
      expect(await left(10)).toBe(6)
    })

    test('a guard that is full comes before the refusal, and before anything is written or announced', async () => {
      await store.insertAttempt(pendingAttempt())
      let heard = 0
      await store.watchAttempt(id, HASH, () => (heard += 1), T0)
      const guard = guardOf(1)
      await store.take(guard.counters, T0)
      const scan = async () => await store.updateAttempt(id, apply(scanBy(ADA)), { guard })
      const wrong = async () => await store.updateAttempt(id, apply({ type: 'confirm', phone: ADA }), { guard })
      const unknown = async () => await store.updateAttempt('BBBBBBBBBBBBBBBB', apply(scanBy(ADA)), { guard })
      for (const each of [scan, wrong, unknown]) await expect(each).rejects.toThrow(/^wait/)
      expect(await store.findAttempt(id)).toEqual(pendingAttempt())
      expect(heard).toBe(0)
    })

    test('50 guarded updates at once: as many as the guard lets, and the loser of a race is counted once', async () => {
      await store.insertAttempt(pendingAttempt())
      const phones = Array.from({ length: 50 }, (_, index) => ({ ...ADA, sessionId: `phone-${index}` }))
      const scans = phones.map(
        async (phone) =>
          await store.updateAttempt(id, apply(scanBy(phone)), { from: pendingAttempt(), guard: guardOf(30) }),
      )
      const results = await Promise.allSettled(scans)
      const reasons = results.map((result) => (result.status === 'fulfilled' ? 'won' : String(result.reason)))
      expect(reasons.filter((reason) => reason === 'won')).toHaveLength(1)
      expect(reasons.filter((reason) => reason.includes('attempt_taken'))).toHaveLength(29)
      expect(reasons.filter((reason) => reason.includes('wait'))).toHaveLength(20)
    })

    test('a guard whose rule has no room keeps a change from being written, and counts nothing', async () => {
      await store.insertAttempt(pendingAttempt())
      const counter = (key: string) => ({ rule: 'small', key, limit: 5, windowMs: 60_000, counts: true })
      for (let at = 0; at < 50; at += 1) await store.take([counter(`made up ${at}`)], T0)
      const guard = { ...guardOf(5), counters: [...guardOf(5).counters, counter('one more')] }
      const heard: Attempt[] = []
      await store.watchAttempt(id, HASH, (attempt) => heard.push(attempt), T0)
      const change = async () => await store.updateAttempt(id, apply(scanBy(ADA)), { from: pendingAttempt(), guard })
      await expect(change).rejects.toThrow(FullError)
      await expect(async () => await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'), guard)).rejects.toThrow(
        FullError,
      )
      expect(await store.findAttempt(id)).toEqual(pendingAttempt())
      expect(await store.findAttempt('AAAAAAAAAAAAAAA1')).toBeNull()
      expect(heard).toEqual([])
      expect(await left(5)).toBe(5)
    })

    const bar = {
      who: 'barred ada',
      whats: ['everywhere', 'phone'],
      since: T0 + 500,
      refuse: () => new Error('barred'),
    }

    test.each([
      ['everywhere', T0 + 501, true],
      ['phone', T0 + 60_000, true],
      ['phone', T0 + 500, false],
      ['another phone', T0 + 60_000, false],
    ])('a sign-out (%s, until %i) that bars what would begin: %s', async (what, until, isBarred) => {
      await store.insertAttempt(pendingAttempt())
      await store.remember('barred ada', what, until, T0 - 60_000)
      const begins = { ...beginning(computer('s1')), isKnownUntil: T0 + 60_000, bar }
      const begin = async () => await store.updateAttempt(id, (attempt) => ({ ...apply(scanBy(ADA))(attempt), begins }))
      if (isBarred) await expect(begin).rejects.toThrow('barred')
      else await begin()
      expect((await store.findAttempt(id))?.status).toBe(isBarred ? 'pending' : 'scanned')
      expect((await store.findSession('s1')) === null).toBe(isBarred)
    })

    test('what begins with a change is written and published with it, once', async () => {
      const begun = computer('s1')
      await store.insertAttempt(pendingAttempt())
      const heard: string[] = []
      await store.watchAccount('ada', ({ type }) => heard.push(type))
      const begin = (attempt: Attempt): Change => ({
        ...apply(scanBy(ADA))(attempt),
        begins: { ...beginning(begun), isKnownUntil: T0 + 60_000, bar },
      })
      expect(await store.updateAttempt(id, begin)).toMatchObject({ ended: [] })
      expect(await store.findSession('s1')).toEqual(begun)
      expect(await store.remembers('ada', HASH, T0)).toBe(true)
      await expect.poll(() => heard).toEqual(['attempt', 'sessions'])
      await store.revokeSession('s1', T0 + 1, 'here')
      // A write that was lost and is made again brings no session back that was signed out since.
      await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))
      await store.updateAttempt('AAAAAAAAAAAAAAA1', begin)
      expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 1 })
    })

    test("what ends with a change ends in the same step: the browser's older session, and the oldest beyond the limit", async () => {
      for (const [at, name] of ['first', 'second', 'third'].entries()) {
        await store.insertSession(beginning(computer(name, ADA.person, T0 + at, `hash of ${name}`)))
        await store.remember('ada', `hash of ${name}`, T0 + 60_000, T0)
      }
      await store.insertSession(beginning(computer('of-lin', LIN.person)))
      await store.insertAttempt(pendingAttempt())
      const heard: AccountChange[] = []
      await store.watchAccount('ada', (change) => heard.push(change))
      const begun = computer('new', ADA.person, T0 + 9)
      const change = (attempt: Attempt): Change => ({
        ...apply(scanBy(ADA))(attempt),
        begins: { ...beginning(begun, { replaces: 'third', keeps: 2 }), isKnownUntil: T0 + 60_000, bar },
      })
      const changed = await store.updateAttempt(id, change)
      expect(changed?.ended.map(({ session, by }) => `${session.id} ${by}`).sort()).toEqual([
        'first limit',
        'third here',
      ])
      expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['new', 'second'])
      expect(await store.findSession('first')).toMatchObject({ revokedAt: T0 + 9, revokedBy: 'limit' })
      // Neither was ended from elsewhere: their browsers stay known.
      expect(await store.remembers('ada', 'hash of first', T0)).toBe(true)
      expect(await store.remembers('ada', 'hash of third', T0)).toBe(true)
      await expect
        .poll(() => heard.filter(({ type }) => type === 'revoked'))
        .toEqual(
          expect.arrayContaining([
            { type: 'revoked', sessionId: 'first', by: 'limit' },
            { type: 'revoked', sessionId: 'third', by: 'here' },
          ]),
        )
      expect(await store.findSession('of-lin')).toMatchObject({ revokedAt: null })
    })

    test('a session with a text that not every parser takes begins, ends and is listed like any other', async () => {
      const odd = computer('odd', { ...ADA.person, name: 'Ada \ud83d' })
      await store.insertSession(beginning(odd))
      expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['odd'])
      await store.acknowledgeSession('odd')
      await store.touchSession('odd', T0 + 1)
      const next = computer('next', ADA.person, T0 + 1)
      const ended = await store.insertSession(beginning(next, { replaces: 'odd', keeps: 1, by: 'single' }))
      expect(ended).toMatchObject([{ session: { id: 'odd' }, by: 'here' }])
      expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['next'])
    })

    test("a browser's older session may be another person's", async () => {
      await store.insertSession(beginning(computer('of-lin', LIN.person)))
      const ended = await store.insertSession(beginning(computer('of-ada'), { replaces: 'of-lin' }))
      expect(ended).toMatchObject([{ session: { id: 'of-lin' }, by: 'here' }])
      expect(await store.listSessions('lin', 'computer')).toEqual([])
    })

    test('where one computer is all, every other one ends, and its browser is known no more', async () => {
      await store.insertSession(beginning(computer('old', ADA.person, T0, 'hash of old')))
      await store.remember('ada', 'hash of old', T0 + 60_000, T0)
      const ended = await store.insertSession(
        beginning(computer('new', ADA.person, T0 + 1), { keeps: 1, by: 'single' }),
      )
      expect(ended).toMatchObject([{ session: { id: 'old' }, by: 'single' }])
      expect(await store.remembers('ada', 'hash of old', T0)).toBe(false)
    })

    test('what was not used for too long counts for nothing in a limit, and a person who has far too many gets down to it', async () => {
      const idleMs = SESSION_LIFETIMES.computerIdleMs
      await store.insertSession(beginning(computer('idle', ADA.person, T0)))
      const later = T0 + idleMs + 1
      for (let at = 0; at < 30; at += 1) {
        await store.insertSession(beginning(computer(`s${at}`, ADA.person, later + at), { keeps: 1_000 }))
      }
      const ended = await store.insertSession(beginning(computer('new', ADA.person, later + 100), { keeps: 20 }))
      expect(ended?.map(({ session }) => session.id).sort()).toEqual(
        Array.from({ length: 11 }, (_, at) => `s${at}`).sort(),
      )
      const live = (await store.listSessions('ada', 'computer')).filter((each) => each.id !== 'idle')
      expect(live).toHaveLength(20)
    })

    test('20 sign-ins of one person at once leave as many computers as there may be', async () => {
      const other = await opened.reopen()
      const sessions = Array.from({ length: 20 }, (_, at) => computer(`s${at}`, ADA.person, T0 + at))
      await Promise.all(
        sessions.map(async (each, at) =>
          (at % 2 === 0 ? store : other).insertSession(beginning(each, { keeps: 3, now: T0 + 50 })),
        ),
      )
      expect(await store.listSessions('ada', 'computer')).toHaveLength(3)
    })

    test('50 scans at once: exactly one wins', async () => {
      await store.insertAttempt(pendingAttempt())
      const phones = Array.from({ length: 50 }, (_, index) => ({ ...ADA, sessionId: `phone-${index}` }))
      const scans = phones.map(async (phone) => await store.updateAttempt(id, apply(scanBy(phone))))
      const results = await Promise.allSettled(scans)
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    test('a watcher of an attempt gets each change once, and nothing after it has stopped', async () => {
      await store.insertAttempt(pendingAttempt())
      const heard: string[] = []
      const watched = await store.watchAttempt(
        id,
        HASH,
        ({ status, version }) => heard.push(`${version} ${status}`),
        T0,
      )
      expect(watched?.attempt).toEqual(pendingAttempt())
      await store.updateAttempt(id, apply(scanBy(ADA)))
      await store.updateAttempt(id, apply({ type: 'confirm', phone: ADA }))
      await expect.poll(() => heard).toEqual(['2 scanned', '3 confirmed'])
      watched?.unwatch()
      watched?.unwatch()
      await store.updateAttempt(id, apply({ type: 'cancel', phone: null }))
      expect(heard).toHaveLength(2)
    })

    test("watching an unknown attempt, another browser's, or one that has ended leaves nothing", async () => {
      await store.insertAttempt(pendingAttempt())
      const heard: Attempt[] = []
      const listen = (attempt: Attempt) => heard.push(attempt)
      expect(await store.watchAttempt('BBBBBBBBBBBBBBBB', HASH, listen, T0)).toBeNull()
      expect(await store.watchAttempt(id, 'another browser', listen, T0)).toBeNull()
      const over = await store.watchAttempt(id, HASH, listen, T0 + LIFETIMES.attemptMs)
      expect(over?.attempt).toEqual(pendingAttempt())
      expect(await opened.countWatchers()).toBe(0)
      await store.updateAttempt(id, apply(scanBy(ADA)))
      await store.updateAttempt(id, apply({ type: 'cancel', phone: null }))
      const ended = await store.watchAttempt(id, HASH, listen, T0)
      expect(ended?.attempt).toMatchObject({ status: 'cancelled' })
      expect(await opened.countWatchers()).toBe(0)
      expect(heard).toEqual([])
    })

    test('a change while a watch begins is in what was read, or is told', async () => {
      await store.insertAttempt(pendingAttempt())
      let seen = 0
      const [watched] = await Promise.all([
        store.watchAttempt(id, HASH, ({ version }) => (seen = Math.max(seen, version)), T0),
        store.updateAttempt(id, apply(scanBy(ADA))),
      ])
      await expect.poll(() => Math.max(seen, watched?.attempt.version ?? 0)).toBe(2)
      watched?.unwatch()
    })

    test("the scanner's account hears of the attempt, another person's does not", async () => {
      await store.insertAttempt(pendingAttempt())
      const ada: AccountChange[] = []
      const lin: AccountChange[] = []
      store.watchAccount('ada', (change) => ada.push(change))
      store.watchAccount('lin', (change) => lin.push(change))
      await store.updateAttempt(id, apply(scanBy(ADA)))
      await expect.poll(() => ada).toMatchObject([{ type: 'attempt', attempt: { id, status: 'scanned' } }])
      expect(lin).toEqual([])
    })

    test('a session is found until it is signed out, and stays known as signed out', async () => {
      await store.insertSession(beginning(computer('s1')))
      expect(await store.findSession('s1')).toEqual(computer('s1'))
      expect(await store.revokeSession('s1', T0 + 5, 'here')).toMatchObject({ id: 's1', kind: 'computer' })
      expect(await store.revokeSession('s1', T0 + 9, 'phone')).toBeNull()
      expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 5, revokedBy: 'here' })
      expect(await store.revokeSession('unknown', T0, 'here')).toBeNull()
    })

    test('writing a session again does not bring a signed-out one back', async () => {
      expect(await store.insertSession(beginning(computer('s1')))).toEqual([])
      await store.revokeSession('s1', T0 + 5, 'here')
      expect(await store.insertSession(beginning(computer('s1')))).toBeNull()
      expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 5 })
    })

    test("the lists have the person's own computers and phones that are signed in, newest first", async () => {
      const phone = (sessionId: string, at: number) =>
        beginning(createPhoneSession(sessionId, ADA.person, UNKNOWN_DEVICE, T0 + at))
      await store.insertSession(beginning(computer('old', ADA.person, T0)))
      await store.insertSession(beginning(computer('new', ADA.person, T0 + 1)))
      await store.insertSession(beginning(computer('out', ADA.person, T0 + 2)))
      await store.insertSession(beginning(computer('of-lin', LIN.person)))
      await store.insertSession(phone('old phone', 0))
      await store.insertSession(phone('new phone', 1))
      await store.revokeSession('out', T0 + 3, 'here')
      expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['new', 'old'])
      expect((await store.listSessions('ada', 'phone')).map((each) => each.id)).toEqual(['new phone', 'old phone'])
    })

    test('use is recorded, and never goes back', async () => {
      await store.insertSession(beginning(computer('s1')))
      await store.touchSession('s1', T0 + 100)
      await store.touchSession('s1', T0 + 50)
      expect(await store.findSession('s1')).toMatchObject({ lastSeenAt: T0 + 100 })
    })

    test('the answer to a notice is kept, and told once', async () => {
      await store.insertSession(beginning(computer('s1')))
      const heard: string[] = []
      await store.watchAccount('ada', ({ type }) => heard.push(type))
      await store.acknowledgeSession('s1')
      await store.acknowledgeSession('s1')
      await store.acknowledgeSession('unknown')
      expect(await store.findSession('s1')).toMatchObject({ acknowledged: true })
      expect(await store.listSessions('ada', 'computer')).toMatchObject([{ acknowledged: true }])
      await expect.poll(() => heard).toEqual(['sessions'])
    })

    test.each([
      ['here', true],
      ['limit', true],
      ['phone', false],
      ['computer', false],
      ['single', false],
    ] as const)('a session that ends by %s leaves its browser known: %s', async (by, isKnown) => {
      await store.insertSession(beginning(computer('s1')))
      for (const hash of [HASH, 'another browser']) await store.remember('ada', hash, T0 + 60_000, T0)
      await store.remember('lin', HASH, T0 + 60_000, T0)
      await store.revokeSession('s1', T0, by)
      expect(await store.remembers('ada', HASH, T0)).toBe(isKnown)
      expect(await store.remembers('ada', 'another browser', T0)).toBe(true)
      expect(await store.remembers('lin', HASH, T0)).toBe(true)
    })

    test('a session of an older version, which does not name its browser, leaves none of them known', async () => {
      const { browserHash: _, ...old } = computer('s1')
      await store.insertSession(beginning(old))
      await store.remember('ada', 'any browser', T0 + 60_000, T0)
      await store.revokeSession('s1', T0, 'phone')
      expect(await store.remembers('ada', 'any browser', T0)).toBe(false)
    })

    test('all but one are signed out in one step', async () => {
      for (const each of ['a', 'b', 'c']) await store.insertSession(beginning(computer(each)))
      await store.insertSession(beginning(createPhoneSession('phone', ADA.person, UNKNOWN_DEVICE, T0)))
      await store.insertSession(beginning(computer('of-lin', LIN.person)))
      await store.revokeSession('c', T0, 'here')
      const heard: AccountChange[] = []
      await store.watchAccount('ada', (change) => heard.push(change))
      const which = { kind: 'computer', exceptId: 'a', now: T0 + 1, by: 'phone' } as const
      expect(await store.revokeSessions('ada', which)).toMatchObject([{ session: { id: 'b' }, by: 'phone' }])
      expect(await store.revokeSessions('ada', which)).toEqual([])
      expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['a'])
      expect(await store.listSessions('ada', 'phone')).toHaveLength(1)
      expect(await store.listSessions('lin', 'computer')).toHaveLength(1)
      await expect.poll(() => heard.at(0)).toEqual({ type: 'revoked', sessionId: 'b', by: 'phone' })
    })

    test('the account hears of sign-ins and sign-outs', async () => {
      const heard: AccountChange[] = []
      const unwatch = store.watchAccount('ada', (change) => heard.push(change))
      await store.insertSession(beginning(computer('s1')))
      await store.insertSession(beginning(computer('s1')))
      await store.revokeSession('s1', T0, 'phone')
      const revoked = { type: 'revoked', sessionId: 's1', by: 'phone' }
      await expect.poll(() => heard).toEqual([{ type: 'sessions' }, revoked, { type: 'sessions' }])
      unwatch()
      await store.insertSession(beginning(computer('s2')))
      expect(heard).toHaveLength(3)
    })

    test('a browser is known to the person who used it, until the time given', async () => {
      await store.remember('ada', 'hash', T0 + 60_000, T0)
      expect(await store.remembers('ada', 'hash', T0)).toBe(true)
      expect(await store.remembers('lin', 'hash', T0)).toBe(false)
      expect(await store.remembers('ada', 'other', T0)).toBe(false)
      expect(await store.remembers('ada', 'hash', T0 + 60_000)).toBe(false)
      await store.remember('ada', 'hash', T0 + 180_000, T0)
      expect(await store.remembers('ada', 'hash', T0 + 120_000)).toBe(true)
    })

    test('one is forgotten, all but one are, and of too many the newest stay', async () => {
      for (const hash of ['a', 'b', 'c']) await store.remember('ada', hash, T0 + 60_000, T0)
      await store.remember('lin', 'a', T0 + 60_000, T0)
      const known = async () => {
        const all = await Promise.all(['a', 'b', 'c'].map(async (hash) => await store.remembers('ada', hash, T0)))
        return all.map(Number).join('')
      }
      await store.forget('ada', 'a')
      expect(await known()).toBe('011')
      await store.forgetOthers('ada', 'b')
      expect(await known()).toBe('010')
      await store.forgetOthers('ada', null)
      expect(await known()).toBe('000')
      expect(await store.remembers('lin', 'a', T0)).toBe(true)
      for (let at = 0; at <= MAX_REMEMBERED; at += 1) await store.remember('ada', `hash ${at}`, T0 + 60_000 + at, T0)
      expect(await store.remembers('ada', 'hash 0', T0)).toBe(false)
      expect(await store.remembers('ada', 'hash 1', T0)).toBe(true)
    })

    test('beyond as many attempts as it has room for it takes no more', async () => {
      const ids = Array.from({ length: 101 }, (_, at) => `AAAAAAAAAAAAA${String(at).padStart(3, '0')}`)
      for (const each of ids.slice(0, 100)) await store.insertAttempt(pendingAttempt(each))
      const last = pendingAttempt(ids[100])
      await expect(async () => await store.insertAttempt(last)).rejects.toThrow(FullError)
      expect(await store.findAttempt(last.id)).toBeNull()
    })

    test('everything is still there after a restart', async () => {
      await store.insertAttempt(pendingAttempt())
      await store.updateAttempt(id, apply(scanBy(ADA)))
      await store.insertSession(beginning(computer('s1')))
      await store.remember('ada', 'hash', T0 + 60_000, T0)
      await store.close()
      store = await opened.reopen()
      const again = store
      expect(await again.findAttempt(id)).toMatchObject({ status: 'scanned' })
      expect(await again.findSession('s1')).toEqual(computer('s1'))
      expect(await again.remembers('ada', 'hash', T0)).toBe(true)
    })

    test('a ping answers', async () => {
      await expect((async () => await store.ping())()).resolves.toBeUndefined()
    })
  })
}
