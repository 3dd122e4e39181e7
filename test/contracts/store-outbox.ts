import { beforeEach, describe, expect, test } from 'vitest'
import type { Attempt } from '../../lib/core/attempt/attempt'
import type { AttemptEvent } from '../../lib/core/attempt/transition'
import { toLimitedEvent } from '../../lib/core/outbox/event'
import { type Claim, type ClaimRequest, UNSORTED } from '../../lib/core/outbox/outbox-store'
import { FullError } from '../../lib/core/rate-limit/limits'
import { createPhoneSession } from '../../lib/core/session/session'
import type { Change, Store } from '../../lib/core/store'
import { updateAttempt } from '../../lib/core/update-attempt'
import { ADA, LIN, pendingAttempt, scanBy, T0 } from '../support/fixtures'
import { apply, beginning, computer, id, type StoreUnderTest, UNKNOWN_DEVICE } from './store-fixtures'

const LEASE_MS = 1_000

/** The contract of events: when they are written, and how they are claimed and removed. */
export function describeOutbox(current: () => StoreUnderTest): void {
  let store: Store
  let writes: number
  beforeEach(() => {
    store = current().store
    writes = 0
  })

  const on = () => store.writeEvents(() => (writes += 1))
  const claim = async (now = T0, request: Partial<ClaimRequest> = {}, from = store): Promise<Claim[]> => {
    const room = { unsorted: 100, deliveries: 100, perEndpoint: 100, room: {} }
    return await from.claimEvents({ now, leaseEndsAt: now + LEASE_MS, ...room, ...request })
  }
  const take = async (now = T0): Promise<Claim[]> => {
    const all: Claim[] = []
    for (;;) {
      const claims = await claim(now)
      for (const each of claims) await store.completeClaim(each, [], now)
      if (claims.length === 0) return all
      all.push(...claims)
    }
  }
  const typesOf = (claims: Claim[]) => claims.map(({ event }) => event.type)
  const limited = (personId: string, at = T0) => toLimitedEvent(personId, 'scan', at)
  let keys = 0
  const append = async (personId: string, at = T0) => {
    keys += 1
    await store.appendEvent(limited(personId, at), { key: `key ${keys}`, until: at + 1 })
  }
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

  /** Moves the events of a person to deliveries of these endpoints. */
  const deliverTo = async (endpoints: string[], personId: string) => {
    for (const each of await claim(T0, { deliveries: 0 })) {
      if (each.event.personId !== personId) throw new Error('another person has events')
      await store.completeClaim(
        each,
        endpoints.map((endpoint) => ({ endpoint })),
        T0,
      )
    }
  }

  describe('before events are written', () => {
    test('no change and no append leaves one', async () => {
      await insertScanned()
      await update({ type: 'cancel', phone: ADA })
      await store.insertSession(beginning(computer('s1')))
      await store.revokeSession('s1', T0, 'here')
      await append('ada')
      expect(await store.countEvents()).toBe(0)
      on()
      expect(await claim()).toEqual([])
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
      await append('ada')
      await store.close()
      store = await current().reopen()
      expect(await store.countEvents()).toBe(1)
      expect(typesOf(await take())).toEqual(['person.limited'])
    })
  })

  describe('a full outbox', () => {
    beforeEach(on)

    const fill = async () => {
      for (let at = 0; (await store.countEvents()) < 20; at += 1) await append(`person ${at}`)
    }

    test('refuses scans and sign-ins, and writes nothing of them', async () => {
      await store.insertAttempt(pendingAttempt())
      await fill()
      await expect(async () => await update(scanBy(ADA))).rejects.toThrow(FullError)
      await expect(async () => await redeem(id, 's1')).rejects.toThrow(FullError)
      await expect(async () => await store.insertSession(beginning(computer('s1')))).rejects.toThrow(FullError)
      expect(await store.findAttempt(id)).toEqual(pendingAttempt())
      expect(await store.findSession('s1')).toBeNull()
      await append('one more')
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

  describe('a claim', () => {
    beforeEach(on)

    test('is of the oldest entry of its queue; the next one follows when it is completed', async () => {
      for (const at of [0, 1, 2]) await append('ada', T0 + at)
      await append('lin', T0 + 5)
      const first = await claim(T0 + 9)
      expect(first.map(({ event }) => [event.personId, event.at - T0])).toEqual([
        ['ada', 0],
        ['lin', 5],
      ])
      expect(first).toMatchObject([{ endpoint: UNSORTED, tries: 0, detail: null }, { endpoint: UNSORTED }])
      expect(await claim(T0 + 9)).toEqual([])
      expect(await store.completeClaim(first[0] as Claim, [], T0 + 9)).toBe(true)
      const [second] = await claim(T0 + 9)
      expect(second?.event).toMatchObject({ personId: 'ada', at: T0 + 1 })
      expect(await store.countEvents()).toBe(3)
    })

    test('that has ended is made again, and the ended one changes nothing', async () => {
      await append('ada')
      const [ended] = await claim()
      expect(await claim(T0 + LEASE_MS - 1)).toEqual([])
      const [again] = await claim(T0 + LEASE_MS)
      expect(again?.event).toEqual(ended?.event)
      expect(await store.completeClaim(ended as Claim, [{ endpoint: 'webhook' }], T0)).toBe(false)
      expect(await store.retryClaim(ended as Claim, T0)).toBe(false)
      expect(await claim(T0 + LEASE_MS)).toEqual([])
      expect(await store.completeClaim(again as Claim, [], T0)).toBe(true)
      expect(await store.completeClaim(again as Claim, [], T0)).toBe(false)
      expect(await store.countEvents()).toBe(0)
    })

    test('that has ended does not remove the next entry of an equal queue', async () => {
      await append('ada')
      const [ended] = await claim()
      await take(T0 + LEASE_MS)
      await append('ada', T0 + LEASE_MS)
      const [other] = await claim(T0 + LEASE_MS)
      expect(await store.completeClaim(ended as Claim, [], T0)).toBe(false)
      expect(await store.completeClaim(other as Claim, [], T0)).toBe(true)
    })

    test('of concurrent claims of two connections exactly one gets the entry', async () => {
      const other = await current().reopen()
      for (let at = 0; at < 10; at += 1) await append(`person ${at}`)
      const half = { unsorted: 3 }
      const claims = await Promise.all([
        claim(T0, half),
        claim(T0, half, other),
        claim(T0, half),
        claim(T0, half, other),
      ])
      const people = claims.flat().map(({ event }) => event.personId)
      expect(people).toHaveLength(10)
      expect(new Set(people).size).toBe(10)
    })

    test('completed with deliveries: one for each endpoint, with its detail', async () => {
      await append('ada')
      const [event] = await claim()
      await store.completeClaim(event as Claim, [{ endpoint: 'a' }, { endpoint: 'b', detail: '{"sid":"1"}' }], T0)
      const claims = await claim()
      expect(claims).toMatchObject([
        { endpoint: 'a', detail: null, event: event?.event },
        { endpoint: 'b', detail: '{"sid":"1"}', event: event?.event },
      ])
    })

    test('repeated later counts its tries, and keeps the order of its queue', async () => {
      for (const at of [0, 1]) await append('ada', T0 + at)
      await deliverTo(['a'], 'ada')
      await deliverTo(['a'], 'ada')
      for (const tries of [0, 1, 2]) {
        const now = T0 + 10 + tries * 100
        const [first, ...others] = await claim(now)
        expect(first).toMatchObject({ tries, event: { at: T0 } })
        expect(others).toEqual([])
        expect(await store.retryClaim(first as Claim, now + 100)).toBe(true)
        expect(await claim(now + 99)).toEqual([])
      }
      const [last] = await claim(T0 + 1_000)
      await store.completeClaim(last as Claim, [], T0 + 1_000)
      expect(await claim(T0 + 1_000)).toMatchObject([{ tries: 0, event: { at: T0 + 1 } }])
    })

    test('of one endpoint neither waits for another one, nor exceeds its room', async () => {
      for (const person of ['p1', 'p2', 'p3', 'p4']) {
        await append(person)
        await deliverTo(['hangs', 'works'], person)
      }
      const [hangs, works] = ['hangs', 'works'].map((endpoint) => async (request: Partial<ClaimRequest>) => {
        const claims = await claim(T0, request)
        return claims.filter((each) => each.endpoint === endpoint).length
      })
      expect(await hangs?.({ perEndpoint: 2, room: { works: 0 } })).toBe(2)
      expect(await works?.({ perEndpoint: 2, room: { hangs: 0 } })).toBe(2)
      expect(await works?.({ deliveries: 1, room: { hangs: 0, works: 9 } })).toBe(1)
      expect(await claim(T0, { deliveries: 0 })).toEqual([])
      expect(await claim(T0, { perEndpoint: 0, room: { works: 9 } })).toHaveLength(1)
    })

    test('is of the endpoint that has waited longest, if there is room for one', async () => {
      for (const [endpoint, dueAt] of [
        ['a', T0 + 20],
        ['b', T0 + 10],
        ['c', T0 + 30],
      ] as const) {
        await append(endpoint)
        await deliverTo([endpoint], endpoint)
        const [only] = await claim(T0)
        await store.retryClaim(only as Claim, dueAt)
      }
      const order: string[] = []
      for (let count = 0; count < 3; count += 1) {
        const [one] = await claim(T0 + 100, { deliveries: 1 })
        order.push(one?.endpoint ?? '')
      }
      expect(order).toEqual(['b', 'a', 'c'])
    })

    test('person and endpoint are not confused with others that look alike', async () => {
      for (const [endpoint, person] of [
        ['a', 'b:c'],
        ['a:b', 'c'],
        ['a b', '1:c'],
      ] as const) {
        await append(person)
        await deliverTo([endpoint], person)
      }
      const claims = await claim()
      expect(claims.map(({ endpoint, event }) => `${endpoint}|${event.personId}`).sort()).toEqual([
        'a b|1:c',
        'a:b|c',
        'a|b:c',
      ])
    })
  })
}
