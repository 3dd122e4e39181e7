import { beforeEach, describe, expect, test } from 'vitest'
import type { Attempt } from '../../lib/core/attempt/attempt'
import type { AttemptEvent } from '../../lib/core/attempt/transition'
import { toLimitedEvent } from '../../lib/core/outbox/event'
import type { Claim } from '../../lib/core/outbox/outbox-store'
import { FullError } from '../../lib/core/rate-limit/limits'
import { createPhoneSession } from '../../lib/core/session/session'
import type { Change, Store } from '../../lib/core/store'
import { updateAttempt } from '../../lib/core/update-attempt'
import { ADA, LIN, pendingAttempt, scanBy, T0 } from '../support/fixtures'
import { append, claim, takeAll } from './outbox-fixtures'
import { apply, beginning, computer, id, type StoreUnderTest, UNKNOWN_DEVICE } from './store-fixtures'

/** The contract of events: when they are written. */
export function describeOutbox(current: () => StoreUnderTest): void {
  let store: Store
  let writes: number
  beforeEach(() => {
    store = current().store
    writes = 0
  })

  const on = () => store.writeEvents(() => (writes += 1))
  const take = (now = T0) => takeAll(store, now)
  const typesOf = (claims: Claim[]) => claims.map(({ event }) => event.type)
  const limited = (personId: string, at = T0) => toLimitedEvent(personId, 'scan', at)
  const update = async (event: AttemptEvent, of = id) => await updateAttempt(store, of, apply(event))
  const insertScanned = async (of = id, matchReasons: readonly 'policy'[] = []) => {
    await store.insertAttempt(pendingAttempt(of))
    await update(scanBy(ADA, { matchReasons }), of)
  }
  const redeem = async (of: string, sessionId: string) => {
    const revocation = { scope: 'barred ada', entries: [], since: T0, refuse: () => new Error('barred') }
    const begins = { ...beginning(computer(sessionId)), isKnownUntil: T0 + 60_000, revocation }
    const change = (attempt: Attempt): Change => ({ ...apply(scanBy(ADA))(attempt), begins })
    return await updateAttempt(store, of, change)
  }

  describe('before events are written', () => {
    test('no change and no append leaves one', async () => {
      await insertScanned()
      await update({ type: 'cancel', phone: ADA })
      await store.insertSession(beginning(computer('s1')))
      await store.revokeSession('s1', T0, 'here')
      await append(store, 'ada')
      expect(await store.countEvents()).toBe(0)
      on()
      expect(await claim(store)).toEqual([])
      expect(writes).toBe(0)
    })
  })

  describe('written in one step with the change', () => {
    beforeEach(on)

    test('a session of a computer that begins and ends; one of a phone has no event', async () => {
      await store.insertSession(beginning(computer('s1')))
      const phone = createPhoneSession('phone', ADA.person, UNKNOWN_DEVICE, T0)
      await store.insertSession(beginning(phone))
      await store.revokeSession('phone', T0, 'here')
      await store.revokeSession('s1', T0 + 5, 'phone')
      await store.revokeSession('s1', T0 + 6, 'phone')
      await store.revokeSession('unknown', T0 + 6, 'phone')
      const { signedInAt, expiresAt } = computer('s1')
      const session = { id: 's1', browser: null, os: null, place: null, signedInAt, expiresAt }
      expect((await take(T0 + 10)).map(({ event }) => event)).toEqual([
        { id: 'created_s1', type: 'session.created', personId: 'ada', at: T0, session },
        { id: 'revoked_s1', type: 'session.revoked', personId: 'ada', at: T0 + 5, session: { id: 's1' }, by: 'phone' },
      ])
      expect(writes).toBeGreaterThanOrEqual(2)
    })

    test('sessions that end because another begins, and by a sign-out of all', async () => {
      await store.insertSession(beginning(computer('of-lin', LIN.person)))
      await store.insertSession(beginning(computer('old', ADA.person, T0 - 9, 'hash of old')))
      await take()
      const options = { replaces: 'of-lin', keeps: 1, by: 'single' } as const
      await store.insertSession(beginning(computer('new'), options))
      const events = (await take()).map(({ event }) => event)
      const told = events.map(({ id, personId, ...event }) => `${id} ${personId} ${'by' in event ? event.by : ''}`)
      expect(told.sort()).toEqual(['created_new ada ', 'revoked_of-lin lin here', 'revoked_old ada single'])
      await store.revokeSessions('ada', { kind: 'computer', exceptId: null, now: T0 + 1, by: 'phone' })
      expect(await take(T0 + 1)).toMatchObject([{ event: { id: 'revoked_new', by: 'phone', at: T0 + 1 } }])
    })

    test('an attempt that its phone has declined, or a wrong number has ended', async () => {
      await insertScanned()
      await update({ type: 'cancel', phone: ADA })
      await update({ type: 'cancel', phone: ADA })
      const wrong = 'AAAAAAAAAAAAAAA1'
      await insertScanned(wrong, ['policy'])
      for (let tries = 0; tries < 2; tries += 1) await update({ type: 'match', right: false }, wrong)
      expect((await take()).map(({ event }) => event)).toMatchObject([
        {
          id: `declined_${id}`,
          type: 'attempt.declined',
          personId: 'ada',
          by: 'phone',
          attempt: { browser: 'Firefox' },
        },
        { id: `mismatch_${wrong}`, type: 'attempt.mismatch', personId: 'ada', by: 'match', attempt: { id: wrong } },
      ])
    })

    test('an attempt that the computer cancels, or that no phone has scanned, has no event', async () => {
      await insertScanned()
      await update({ type: 'cancel', phone: null })
      await store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))
      await update({ type: 'cancel', phone: ADA }, 'AAAAAAAAAAAAAAA1')
      expect(await take()).toEqual([])
    })

    test('a session that begins with a change; a change that comes too late writes nothing', async () => {
      await store.insertAttempt(pendingAttempt())
      const [before] = [pendingAttempt()]
      await redeem(id, 's1')
      const late = apply(scanBy(LIN))(before)
      expect(await store.compareAndSet(before, late)).toMatchObject({ isWritten: false })
      const declined = apply({ type: 'cancel', phone: ADA })(apply(scanBy(ADA))(before).attempt)
      expect(await store.compareAndSet(before, declined)).toMatchObject({ isWritten: false })
      expect(typesOf(await take())).toEqual(['session.created'])
    })

    test('an event of no change is written once for a key, until its time has passed', async () => {
      const once = { key: 'ada scan', until: T0 + 100 }
      await store.appendEvent(limited('ada'), once)
      await store.appendEvent(limited('ada', T0 + 99), once)
      await store.appendEvent(limited('lin'), { key: 'lin scan', until: T0 + 100 })
      expect((await take(T0 + 99)).map(({ event }) => event.personId).sort()).toEqual(['ada', 'lin'])
      await store.appendEvent(limited('ada', T0 + 100), { key: 'ada scan', until: T0 + 200 })
      expect(await take(T0 + 100)).toMatchObject([{ event: { at: T0 + 100, by: 'scan' } }])
    })

    test('events survive a restart', async () => {
      await append(store, 'ada')
      await store.close()
      store = await current().reopen()
      expect(await store.countEvents()).toBe(1)
      expect(typesOf(await take())).toEqual(['person.limited'])
    })
  })

  describe('a full outbox', () => {
    beforeEach(on)

    const fill = async () => {
      for (let at = 0; (await store.countEvents()) < 20; at += 1) await append(store, `person ${at}`)
    }

    test('refuses scans and sign-ins, and writes nothing of them', async () => {
      await store.insertAttempt(pendingAttempt())
      await fill()
      await expect(async () => await update(scanBy(ADA))).rejects.toThrow(FullError)
      await expect(async () => await redeem(id, 's1')).rejects.toThrow(FullError)
      await expect(async () => await store.insertSession(beginning(computer('s1')))).rejects.toThrow(FullError)
      expect(await store.findAttempt(id)).toEqual(pendingAttempt())
      expect(await store.findSession('s1')).toBeNull()
      await append(store, 'one more')
      expect(await store.countEvents()).toBe(20)
    })

    test('accepts phones, cancels and sign-outs', async () => {
      await store.insertSession(beginning(computer('s1')))
      await insertScanned()
      await fill()
      await store.insertSession(beginning(createPhoneSession('phone', ADA.person, UNKNOWN_DEVICE, T0)))
      await update({ type: 'cancel', phone: ADA })
      await store.revokeSession('s1', T0, 'here')
      expect(await store.countEvents()).toBe(22)
    })

    test('accepts sign-ins again when it has room', async () => {
      await store.insertAttempt(pendingAttempt())
      await fill()
      await take()
      await update(scanBy(ADA))
      expect(await store.findAttempt(id)).toMatchObject({ status: 'scanned' })
    })
  })
}
