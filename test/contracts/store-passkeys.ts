import { beforeEach, expect, test } from 'vitest'
import { MAX_PASSKEYS, type Passkey } from '../../lib/core/account/passkey'
import type { Store } from '../../lib/core/store'
import { ADA, LIN, T0 } from '../support/fixtures'
import type { StoreUnderTest } from './store-fixtures'

const passkey = (id: string, facts: Partial<Passkey> = {}): Passkey => ({
  id,
  person: ADA.person,
  name: 'Phone',
  publicKey: 'pQECAyYgASFYIA',
  counter: 0,
  transports: ['internal', 'hybrid'],
  isSynced: false,
  addedBy: 'phone session',
  addedAt: T0,
  lastUsedAt: null,
  ...facts,
})

/** The contract of passkeys. */
export function describePasskeys(current: () => StoreUnderTest): void {
  let store: Store
  beforeEach(() => {
    store = current().store
  })

  test('a passkey is found as it was written, also after a restart', async () => {
    expect(await store.insertPasskey(passkey('p1'))).toBeNull()
    expect(await store.findPasskey('p1')).toEqual(passkey('p1'))
    expect(await store.findPasskey('unknown')).toBeNull()
    await store.close()
    const again = await current().reopen()
    expect(await again.findPasskey('p1')).toEqual(passkey('p1'))
  })

  test("a list contains the person's own passkeys, newest first", async () => {
    await store.insertPasskey(passkey('old'))
    await store.insertPasskey(passkey('new', { addedAt: T0 + 1 }))
    await store.insertPasskey(passkey('of-lin', { person: LIN.person }))
    expect((await store.listPasskeys('ada')).map(({ id }) => id)).toEqual(['new', 'old'])
    expect(await store.listPasskeys('nobody')).toEqual([])
  })

  test('a passkey that exists is not replaced, by its person or another', async () => {
    await store.insertPasskey(passkey('p1'))
    expect(await store.insertPasskey(passkey('p1', { name: 'Again' }))).toBe('exists')
    expect(await store.insertPasskey(passkey('p1', { person: LIN.person }))).toBe('exists')
    expect(await store.findPasskey('p1')).toEqual(passkey('p1'))
    expect(await store.listPasskeys('lin')).toEqual([])
  })

  test('a person has at most 20 passkeys, also of concurrent calls', async () => {
    const ids = Array.from({ length: MAX_PASSKEYS + 2 }, (_, index) => `p${index}`)
    const results = await Promise.all(ids.map(async (id) => await store.insertPasskey(passkey(id))))
    expect(results.filter((result) => result === null)).toHaveLength(20)
    expect(results.filter((result) => result === 'full')).toHaveLength(2)
    expect(await store.listPasskeys('ada')).toHaveLength(20)
    expect(await store.insertPasskey(passkey('of-lin', { person: LIN.person }))).toBeNull()
  })

  test('a use needs a higher counter, or two counters of 0', async () => {
    await store.insertPasskey(passkey('p1'))
    expect(await store.recordPasskeyUse('p1', 0, T0 + 1)).toBe(true)
    expect(await store.recordPasskeyUse('p1', 0, T0 + 2)).toBe(true)
    expect(await store.recordPasskeyUse('p1', 7, T0 + 3)).toBe(true)
    for (const counter of [7, 6, 0]) expect(await store.recordPasskeyUse('p1', counter, T0 + 4)).toBe(false)
    expect(await store.findPasskey('p1')).toMatchObject({ counter: 7, lastUsedAt: T0 + 3 })
    expect(await store.recordPasskeyUse('unknown', 1, T0)).toBe(false)
  })

  test('of concurrent uses with one counter exactly one succeeds', async () => {
    await store.insertPasskey(passkey('p1', { counter: 1 }))
    const uses = await Promise.all([1, 2, 3, 4].map(async () => await store.recordPasskeyUse('p1', 2, T0)))
    expect(uses.filter(Boolean)).toHaveLength(1)
  })

  test('only its person renames and removes a passkey', async () => {
    await store.insertPasskey(passkey('p1'))
    expect(await store.renamePasskey('lin', 'p1', 'Mine')).toBe(false)
    expect(await store.removePasskey('lin', 'p1')).toBe(false)
    expect(await store.renamePasskey('ada', 'p1', 'Work phone')).toBe(true)
    expect(await store.findPasskey('p1')).toEqual(passkey('p1', { name: 'Work phone' }))
    expect(await store.removePasskey('ada', 'p1')).toBe(true)
    expect(await store.removePasskey('ada', 'p1')).toBe(false)
    expect(await store.renamePasskey('ada', 'p1', 'Gone')).toBe(false)
    expect(await store.findPasskey('p1')).toBeNull()
    expect(await store.listPasskeys('ada')).toEqual([])
  })

  test('a person is described anew in all own passkeys', async () => {
    await store.insertPasskey(passkey('p1'))
    await store.insertPasskey(passkey('p2', { counter: 3, lastUsedAt: null }))
    await store.insertPasskey(passkey('of-lin', { person: LIN.person }))
    const person = { ...ADA.person, name: 'Ada King', groups: ['admins'] }
    await store.describePerson(person)
    await store.describePerson({ ...ADA.person, id: 'without passkeys' })
    expect((await store.listPasskeys('ada')).map((each) => each.person)).toEqual([person, person])
    expect(await store.findPasskey('of-lin')).toEqual(passkey('of-lin', { person: LIN.person }))
    expect(await store.listPasskeys('without passkeys')).toEqual([])
  })
}
