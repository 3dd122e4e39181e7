import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Attempt } from '../attempt/attempt'
import { ProtocolError } from '../attempt/errors'
import { type AttemptEvent, transition } from '../attempt/transition'
import type { Guard } from '../limits/limits'
import { createComputerSession, createPhoneSession } from '../session/session'
import { ADA, LIFETIMES, LIN, pendingAttempt, scanBy, T0 } from '../testing/fixtures'
import type { AccountChange, Change, Store } from './store'

const SESSION_LIFETIMES = { computerMs: 604_800_000, computerIdleMs: 86_400_000 }
const UNKNOWN_DEVICE = { browser: null, os: null, place: null }

export interface StoreUnderTest {
  store: Store
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
      store.watchAttempt(id, () => {
        heard += 1
      })
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
      counters: [{ key: 'guard', limit, windowMs: 60_000, counts: true }],
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
      await expect(update({ type: 'redeem', ticketRight: true, sessionId: 's' })).rejects.toThrow(ProtocolError)
      await store.updateAttempt('BBBBBBBBBBBBBBBB', apply(scanBy(ADA)), { guard })
      expect(await left(10)).toBe(6)
    })

    test('a guard that is full comes before the refusal, and before anything is written or announced', async () => {
      await store.insertAttempt(pendingAttempt())
      let heard = 0
      await store.watchAttempt(id, () => {
        heard += 1
      })
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

    test('what begins with a change is written and announced with it, once', async () => {
      const begun = createComputerSession(
        { id: 's1', person: ADA.person, computer: UNKNOWN_DEVICE },
        T0,
        SESSION_LIFETIMES,
      )
      await store.insertAttempt(pendingAttempt())
      const heard: string[] = []
      await store.watchAccount('ada', ({ type }) => heard.push(type))
      const begin = (attempt: Attempt): Change => ({
        ...apply(scanBy(ADA))(attempt),
        begins: { session: begun, isKnownUntil: T0 + 100 },
      })
      await store.updateAttempt(id, begin)
      expect(await store.findSession('s1')).toEqual(begun)
      expect(await store.isKnownBrowser('ada', pendingAttempt().computer.browserHash, T0)).toBe(true)
      await expect.poll(() => heard).toEqual(['attempt', 'sessions'])
      await store.revokeSession('s1', T0 + 1)
      // A write that was lost and is made again brings no session back that was signed out since.
      await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))
      await store.updateAttempt('AAAAAAAAAAAAAAA1', begin)
      expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 1 })
    })

    test('50 scans at once: exactly one wins', async () => {
      await store.insertAttempt(pendingAttempt())
      const phones = Array.from({ length: 50 }, (_, index) => ({ ...ADA, sessionId: `phone-${index}` }))
      const scans = phones.map(async (phone) => await store.updateAttempt(id, apply(scanBy(phone))))
      const results = await Promise.allSettled(scans)
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    test('whoever watches an attempt hears each change once, and nothing after they stop', async () => {
      await store.insertAttempt(pendingAttempt())
      const heard: string[] = []
      const unwatch = store.watchAttempt(id, ({ status, version }) => heard.push(`${version} ${status}`))
      await store.updateAttempt(id, apply(scanBy(ADA)))
      await store.updateAttempt(id, apply({ type: 'confirm', phone: ADA }))
      await expect.poll(() => heard).toEqual(['2 scanned', '3 confirmed'])
      unwatch()
      unwatch()
      await store.updateAttempt(id, apply({ type: 'cancel', by: 'computer' }))
      expect(heard).toHaveLength(2)
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

    const session = (sessionId: string, person = ADA.person, now = T0) =>
      createComputerSession({ id: sessionId, person, computer: UNKNOWN_DEVICE }, now, SESSION_LIFETIMES)

    test('a session is found until it is signed out, and stays known as signed out', async () => {
      await store.insertSession(session('s1'))
      expect(await store.findSession('s1')).toEqual(session('s1'))
      expect(await store.revokeSession('s1', T0 + 5)).toMatchObject({ id: 's1', kind: 'computer' })
      expect(await store.revokeSession('s1', T0 + 9)).toBeNull()
      expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 5 })
      expect(await store.revokeSession('unknown', T0)).toBeNull()
    })

    test('writing a session again does not bring a signed-out one back', async () => {
      expect(await store.insertSession(session('s1'))).toBe(true)
      await store.revokeSession('s1', T0 + 5)
      expect(await store.insertSession(session('s1'))).toBe(false)
      expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 5 })
    })

    test("the list has the person's own computers that are signed in, newest first, and no phones", async () => {
      await store.insertSession(session('old', ADA.person, T0))
      await store.insertSession(session('new', ADA.person, T0 + 1))
      await store.insertSession(session('out', ADA.person, T0 + 2))
      await store.insertSession(session('of-lin', LIN.person))
      await store.insertSession(createPhoneSession('phone', ADA.person, T0))
      await store.revokeSession('out', T0 + 3)
      expect((await store.listSessions('ada')).map(({ id: sessionId }) => sessionId)).toEqual(['new', 'old'])
    })

    test('use is recorded, and never goes back', async () => {
      await store.insertSession(session('s1'))
      await store.touchSession('s1', T0 + 100)
      await store.touchSession('s1', T0 + 50)
      expect(await store.findSession('s1')).toMatchObject({ lastSeenAt: T0 + 100 })
    })

    test('the account hears of sign-ins and sign-outs', async () => {
      const heard: AccountChange[] = []
      const unwatch = store.watchAccount('ada', (change) => heard.push(change))
      await store.insertSession(session('s1'))
      await store.insertSession(session('s1'))
      await store.revokeSession('s1', T0)
      const expected = [{ type: 'sessions' }, { type: 'revoked', sessionId: 's1' }, { type: 'sessions' }]
      await expect.poll(() => heard).toEqual(expected)
      unwatch()
      await store.insertSession(session('s2'))
      expect(heard).toHaveLength(3)
    })

    test('a browser is known to the person who used it, until the time given', async () => {
      await store.rememberBrowser('ada', 'hash', T0 + 100)
      expect(await store.isKnownBrowser('ada', 'hash', T0)).toBe(true)
      expect(await store.isKnownBrowser('lin', 'hash', T0)).toBe(false)
      expect(await store.isKnownBrowser('ada', 'other', T0)).toBe(false)
      expect(await store.isKnownBrowser('ada', 'hash', T0 + 100)).toBe(false)
      await store.rememberBrowser('ada', 'hash', T0 + 300)
      expect(await store.isKnownBrowser('ada', 'hash', T0 + 200)).toBe(true)
    })

    test('everything is still there after a restart', async () => {
      await store.insertAttempt(pendingAttempt())
      await store.updateAttempt(id, apply(scanBy(ADA)))
      await store.insertSession(session('s1'))
      await store.rememberBrowser('ada', 'hash', T0 + 100)
      await store.close()
      store = await opened.reopen()
      const again = store
      expect(await again.findAttempt(id)).toMatchObject({ status: 'scanned' })
      expect(await again.findSession('s1')).toEqual(session('s1'))
      expect(await again.isKnownBrowser('ada', 'hash', T0)).toBe(true)
    })

    test('a ping answers', async () => {
      await expect((async () => await store.ping())()).resolves.toBeUndefined()
    })
  })
}
