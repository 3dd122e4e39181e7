import { beforeEach, expect, test } from 'vitest'
import { createPhoneSession } from '../../lib/core/session/session'
import { type AccountChange, MAX_REMEMBERED, type Store } from '../../lib/core/store'
import { ADA, LIN, T0 } from '../support/fixtures'
import { beginning, computer, HASH, type StoreUnderTest, UNKNOWN_DEVICE } from './store-fixtures'

/** Sessions, and the browsers that are known to a person. */
export function describeSessions(current: () => StoreUnderTest): void {
  let store: Store
  beforeEach(() => {
    store = current().store
  })

  test('a session is found, also as revoked after its sign-out', async () => {
    await store.insertSession(beginning(computer('s1')))
    expect(await store.findSession('s1')).toEqual(computer('s1'))
    expect(await store.revokeSession('s1', T0 + 5, 'here')).toMatchObject({ id: 's1', kind: 'computer' })
    expect(await store.revokeSession('s1', T0 + 9, 'phone')).toBeNull()
    expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 5, revokedBy: 'here' })
    expect(await store.revokeSession('unknown', T0, 'here')).toBeNull()
  })

  test('a revoked session cannot be inserted again', async () => {
    expect(await store.insertSession(beginning(computer('s1')))).toEqual([])
    await store.revokeSession('s1', T0 + 5, 'here')
    expect(await store.insertSession(beginning(computer('s1')))).toBeNull()
    expect(await store.findSession('s1')).toMatchObject({ revokedAt: T0 + 5 })
  })

  test('the lists have the signed-in computers or phones of the person, newest first', async () => {
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

  test('the last use is recorded, and never decreases', async () => {
    await store.insertSession(beginning(computer('s1')))
    await store.touchSession('s1', T0 + 100)
    await store.touchSession('s1', T0 + 50)
    expect(await store.findSession('s1')).toMatchObject({ lastSeenAt: T0 + 100 })
  })

  test('an acknowledgement is stored, and published once', async () => {
    await store.insertSession(beginning(computer('s1')))
    const received: string[] = []
    await store.watchAccount('ada', ({ type }) => received.push(type))
    await store.acknowledgeSession('s1')
    await store.acknowledgeSession('s1')
    await store.acknowledgeSession('unknown')
    expect(await store.findSession('s1')).toMatchObject({ acknowledged: true })
    expect(await store.listSessions('ada', 'computer')).toMatchObject([{ acknowledged: true }])
    await expect.poll(() => received).toEqual(['sessions'])
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

  test('revoking a session of an older version, without a browser hash, makes all browsers unknown', async () => {
    const { browserHash: _, ...old } = computer('s1')
    await store.insertSession(beginning(old))
    await store.remember('ada', 'any browser', T0 + 60_000, T0)
    await store.revokeSession('s1', T0, 'phone')
    expect(await store.remembers('ada', 'any browser', T0)).toBe(false)
  })

  test('all computers but one are signed out in one step', async () => {
    for (const each of ['a', 'b', 'c']) await store.insertSession(beginning(computer(each)))
    await store.insertSession(beginning(createPhoneSession('phone', ADA.person, UNKNOWN_DEVICE, T0)))
    await store.insertSession(beginning(computer('of-lin', LIN.person)))
    await store.revokeSession('c', T0, 'here')
    const received: AccountChange[] = []
    await store.watchAccount('ada', (change) => received.push(change))
    const which = { kind: 'computer', exceptId: 'a', now: T0 + 1, by: 'phone' } as const
    expect(await store.revokeSessions('ada', which)).toMatchObject([{ session: { id: 'b' }, by: 'phone' }])
    expect(await store.revokeSessions('ada', which)).toEqual([])
    expect((await store.listSessions('ada', 'computer')).map((each) => each.id)).toEqual(['a'])
    expect(await store.listSessions('ada', 'phone')).toHaveLength(1)
    expect(await store.listSessions('lin', 'computer')).toHaveLength(1)
    await expect.poll(() => received.at(0)).toEqual({ type: 'revoked', sessionId: 'b', by: 'phone' })
  })

  test('sign-ins and sign-outs are published to the account', async () => {
    const received: AccountChange[] = []
    const unwatch = store.watchAccount('ada', (change) => received.push(change))
    await store.insertSession(beginning(computer('s1')))
    await store.insertSession(beginning(computer('s1')))
    await store.revokeSession('s1', T0, 'phone')
    const revoked = { type: 'revoked', sessionId: 's1', by: 'phone' }
    await expect.poll(() => received).toEqual([{ type: 'sessions' }, revoked, { type: 'sessions' }])
    unwatch()
    await store.insertSession(beginning(computer('s2')))
    expect(received).toHaveLength(3)
  })

  test('a browser is known to its person until the given time', async () => {
    await store.remember('ada', 'hash', T0 + 60_000, T0)
    expect(await store.remembers('ada', 'hash', T0)).toBe(true)
    expect(await store.remembers('lin', 'hash', T0)).toBe(false)
    expect(await store.remembers('ada', 'other', T0)).toBe(false)
    expect(await store.remembers('ada', 'hash', T0 + 60_000)).toBe(false)
    await store.remember('ada', 'hash', T0 + 180_000, T0)
    expect(await store.remembers('ada', 'hash', T0 + 120_000)).toBe(true)
  })

  test('one or all other browsers can be forgotten, and the newest stay beyond the maximum', async () => {
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
}
