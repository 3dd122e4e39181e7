import { beforeEach, expect, test } from 'vitest'
import type { Attempt } from '../../lib/core/attempt/attempt'
import type { AttemptEvent } from '../../lib/core/attempt/transition'
import { ProtocolError } from '../../lib/core/errors'
import { FullError, type Guard } from '../../lib/core/rate-limit/limits'
import type { AccountChange, Change, Store } from '../../lib/core/store'
import { updateAttempt } from '../../lib/core/update-attempt'
import { ADA, LIN, pendingAttempt, scanBy, T0 } from '../support/fixtures'
import { apply, beginning, computer, HASH, id, SESSION_LIFETIMES, type StoreUnderTest } from './store-fixtures'

/**
 * The contract of one step: the guard, the change, the session that begins, and the sessions that
 * end.
 */
export function describeSteps(current: () => StoreUnderTest): void {
  let store: Store
  beforeEach(() => {
    store = current().store
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

  test('a full guard: no attempt is inserted', async () => {
    await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'), guardOf(1))
    const second = async () => await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA2'), guardOf(1))
    await expect(second).rejects.toThrow('wait 60000')
    expect(await store.findAttempt('AAAAAAAAAAAAAAA1')).not.toBeNull()
    expect(await store.findAttempt('AAAAAAAAAAAAAAA2')).toBeNull()
  })

  test('an update counts its guard once, whatever the outcome', async () => {
    await store.insertAttempt(pendingAttempt())
    const guard = guardOf(10)
    const update = async (event: AttemptEvent) => await updateAttempt(store, id, apply(event), { guard })
    await update(scanBy(ADA))
    await update(scanBy(ADA))
    await expect(update({ type: 'redeem', ticketRight: true, sessionId: 's', maxTries: 5 })).rejects.toThrow(
      ProtocolError,
    )
    await updateAttempt(store, 'BBBBBBBBBBBBBBBB', apply(scanBy(ADA)), { guard })
    expect(await left(10)).toBe(6)
  })

  test('a full guard is refused before the change is, and nothing is written or published', async () => {
    await store.insertAttempt(pendingAttempt())
    let received = 0
    await store.watchAttempt(id, HASH, () => (received += 1), T0)
    const guard = guardOf(1)
    await store.take(guard.counters, T0)
    const scan = async () => await updateAttempt(store, id, apply(scanBy(ADA)), { guard })
    const wrong = async () =>
      await updateAttempt(store, id, apply({ type: 'confirm', phone: ADA, passkey: 'none' }), { guard })
    const unknown = async () => await updateAttempt(store, 'BBBBBBBBBBBBBBBB', apply(scanBy(ADA)), { guard })
    for (const each of [scan, wrong, unknown]) await expect(each).rejects.toThrow(/^wait/)
    expect(await store.findAttempt(id)).toEqual(pendingAttempt())
    expect(received).toBe(0)
  })

  test('50 concurrent updates with a guard of 30: one wins, 29 lose, 20 are limited', async () => {
    await store.insertAttempt(pendingAttempt())
    const phones = Array.from({ length: 50 }, (_, index) => ({ ...ADA, sessionId: `phone-${index}` }))
    const scans = phones.map(
      async (phone) =>
        await updateAttempt(store, id, apply(scanBy(phone)), { from: pendingAttempt(), guard: guardOf(30) }),
    )
    const results = await Promise.allSettled(scans)
    const reasons = results.map((result) => (result.status === 'fulfilled' ? 'won' : String(result.reason)))
    expect(reasons.filter((reason) => reason === 'won')).toHaveLength(1)
    expect(reasons.filter((reason) => reason.includes('attempt_taken'))).toHaveLength(29)
    expect(reasons.filter((reason) => reason.includes('wait'))).toHaveLength(20)
  })

  test('a guard whose rule is at its capacity: nothing is written, published or counted', async () => {
    await store.insertAttempt(pendingAttempt())
    const counter = (key: string) => ({ rule: 'small', key, limit: 5, windowMs: 60_000, counts: true })
    for (let at = 0; at < 50; at += 1) await store.take([counter(`made up ${at}`)], T0)
    const guard = { ...guardOf(5), counters: [...guardOf(5).counters, counter('one more')] }
    const received: Attempt[] = []
    await store.watchAttempt(id, HASH, (attempt) => received.push(attempt), T0)
    const change = async () => await updateAttempt(store, id, apply(scanBy(ADA)), { from: pendingAttempt(), guard })
    await expect(change).rejects.toThrow(FullError)
    await expect(async () => await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'), guard)).rejects.toThrow(
      FullError,
    )
    expect(await store.findAttempt(id)).toEqual(pendingAttempt())
    expect(await store.findAttempt('AAAAAAAAAAAAAAA1')).toBeNull()
    expect(received).toEqual([])
    expect(await left(5)).toBe(5)
  })

  const revocation = {
    scope: 'barred ada',
    entries: ['everywhere', 'phone'],
    since: T0 + 500,
    refuse: () => new Error('barred'),
  }

  test.each([
    ['everywhere', T0 + 501, true],
    ['phone', T0 + 60_000, true],
    ['phone', T0 + 500, false],
    ['another phone', T0 + 60_000, false],
  ])('a sign-out (%s, until %i) bars the new session: %s', async (what, until, hasRevocation) => {
    await store.insertAttempt(pendingAttempt())
    await store.remember('barred ada', what, until, T0 - 60_000)
    const begins = { ...beginning(computer('s1')), isKnownUntil: T0 + 60_000, revocation }
    const begin = async () => await updateAttempt(store, id, (attempt) => ({ ...apply(scanBy(ADA))(attempt), begins }))
    if (hasRevocation) await expect(begin).rejects.toThrow('barred')
    else await begin()
    expect((await store.findAttempt(id))?.status).toBe(hasRevocation ? 'pending' : 'scanned')
    expect((await store.findSession('s1')) === null).toBe(hasRevocation)
  })

  test('a session that begins with a change is written and published once', async () => {
    const begun = computer('s1')
    await store.insertAttempt(pendingAttempt())
    const received: string[] = []
    await store.watchAccount('ada', ({ type }) => received.push(type))
    const begin = (attempt: Attempt): Change => ({
      ...apply(scanBy(ADA))(attempt),
      begins: { ...beginning(begun), isKnownUntil: T0 + 60_000, revocation },
    })
    expect(await updateAttempt(store, id, begin)).toMatchObject({ ended: [] })
    expect(await store.findSession('s1')).toEqual(begun)
    expect(await store.remembers('ada', HASH, T0)).toBe(true)
    await expect.poll(() => received).toEqual(['attempt', 'sessions'])
    await store.revokeSession('s1', T0 + 1, 'here')
    // If a lost write is repeated, a session that was signed out since is not restored.
    await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))
    await updateAttempt(store, 'AAAAAAAAAAAAAAA1', begin)
    expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 1 })
  })

  test("the browser's older session and the oldest beyond the limit end in the same step", async () => {
    for (const [at, name] of ['first', 'second', 'third'].entries()) {
      await store.insertSession(beginning(computer(name, ADA.person, T0 + at, `hash of ${name}`)))
      await store.remember('ada', `hash of ${name}`, T0 + 60_000, T0)
    }
    await store.insertSession(beginning(computer('of-lin', LIN.person)))
    await store.insertAttempt(pendingAttempt())
    const received: AccountChange[] = []
    await store.watchAccount('ada', (change) => received.push(change))
    const begun = computer('new', ADA.person, T0 + 9)
    const change = (attempt: Attempt): Change => ({
      ...apply(scanBy(ADA))(attempt),
      begins: { ...beginning(begun, { replaces: 'third', keeps: 2 }), isKnownUntil: T0 + 60_000, revocation },
    })
    const changed = await updateAttempt(store, id, change)
    expect(changed?.ended.map(({ session, by }) => `${session.id} ${by}`).sort()).toEqual(['first limit', 'third here'])
    expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['new', 'second'])
    expect(await store.findSession('first')).toMatchObject({ revokedAt: T0 + 9, revokedBy: 'limit' })
    // Neither was ended from another device: their browsers stay known.
    expect(await store.remembers('ada', 'hash of first', T0)).toBe(true)
    expect(await store.remembers('ada', 'hash of third', T0)).toBe(true)
    await expect
      .poll(() => received.filter(({ type }) => type === 'revoked'))
      .toEqual(
        expect.arrayContaining([
          { type: 'revoked', sessionId: 'first', by: 'limit' },
          { type: 'revoked', sessionId: 'third', by: 'here' },
        ]),
      )
    expect(await store.findSession('of-lin')).toMatchObject({ revokedAt: null })
  })

  test('a session with a lone surrogate in its name begins, ends and is listed', async () => {
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

  test('the older session of a browser ends also if it is of another person', async () => {
    await store.insertSession(beginning(computer('of-lin', LIN.person)))
    const ended = await store.insertSession(beginning(computer('of-ada'), { replaces: 'of-lin' }))
    expect(ended).toMatchObject([{ session: { id: 'of-lin' }, by: 'here' }])
    expect(await store.listSessions('lin', 'computer')).toEqual([])
  })

  test('by `single`, all other computers end, and their browsers are no longer known', async () => {
    await store.insertSession(beginning(computer('old', ADA.person, T0, 'hash of old')))
    await store.remember('ada', 'hash of old', T0 + 60_000, T0)
    const ended = await store.insertSession(beginning(computer('new', ADA.person, T0 + 1), { keeps: 1, by: 'single' }))
    expect(ended).toMatchObject([{ session: { id: 'old' }, by: 'single' }])
    expect(await store.remembers('ada', 'hash of old', T0)).toBe(false)
  })

  test('idle sessions do not count against the limit, and far too many sessions are reduced to it', async () => {
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

  test('20 concurrent sign-ins of one person with a limit of 3: three sessions stay', async () => {
    const other = await current().reopen()
    const sessions = Array.from({ length: 20 }, (_, at) => computer(`s${at}`, ADA.person, T0 + at))
    await Promise.all(
      sessions.map(async (each, at) =>
        (at % 2 === 0 ? store : other).insertSession(beginning(each, { keeps: 3, now: T0 + 50 })),
      ),
    )
    expect(await store.listSessions('ada', 'computer')).toHaveLength(3)
  })
}
