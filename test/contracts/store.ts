import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../lib/core/store'
import { updateAttempt } from '../../lib/core/update-attempt'
import { storeFailureKind } from '../../lib/server/open-store'
import { ADA, pendingAttempt, scanBy, T0 } from '../support/fixtures'
import { describeAttempts } from './store-attempts'
import { describeClaims } from './store-claims'
import { apply, beginning, computer, id, type StoreUnderTest } from './store-fixtures'
import { describeOutbox } from './store-outbox'
import { describePasskeys } from './store-passkeys'
import { describeRecords } from './store-records'
import { describeSessions } from './store-sessions'
import { describeSteps } from './store-steps'

/** The contract of every store. Each adapter's test runs it against the real store. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let opened: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(async () => await opened.dispose())

    describeAttempts(() => opened)
    describeSteps(() => opened)
    describeSessions(() => opened)
    describePasskeys(() => opened)
    describeRecords(() => opened)
    describeOutbox(() => opened)
    describeClaims(() => opened)

    test('attempts, sessions and remembered entries survive a restart', async () => {
      await store.insertAttempt(pendingAttempt())
      await updateAttempt(store, id, apply(scanBy(ADA)))
      await store.insertSession(beginning(computer('s1')))
      await store.remember('ada', 'hash', T0 + 60_000, T0)
      await store.close()
      store = await opened.reopen()
      const again = store
      expect(await again.findAttempt(id)).toMatchObject({ status: 'scanned' })
      expect(await again.findSession('s1')).toEqual(computer('s1'))
      expect(await again.remembers('ada', 'hash', T0)).toBe(true)
    })

    test('after close every write fails as a failure of the store, and close may be repeated', async () => {
      await store.insertAttempt(pendingAttempt())
      await store.close()
      const writes: Record<string, () => unknown> = {
        insertAttempt: () => store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA3')),
        updateAttempt: () => updateAttempt(store, id, apply(scanBy(ADA))),
        insertSession: () => store.insertSession(beginning(computer('s1'))),
        revokeSession: () => store.revokeSession('s1', T0, 'phone'),
        remember: () => store.remember('ada', 'hash', T0 + 60_000, T0),
        takeOnce: () => store.takeOnce('nonce', T0 + 60_000, T0),
        putRecord: () => store.putRecord({ key: 'kind 1', data: '1', expiresAt: T0 + 60_000, group: null }, T0),
        removePasskey: () => store.removePasskey('ada', 'passkey'),
        ping: () => store.ping(),
      }
      for (const [name, write] of Object.entries(writes)) {
        const error = await (async () => await write())().then(
          () => 'no error',
          (failure: unknown) => failure,
        )
        expect(storeFailureKind(error), `${name}: ${error}`).not.toBeNull()
      }
      await store.close()
    })

    test('ping resolves', async () => {
      await expect((async () => await store.ping())()).resolves.toBeUndefined()
    })
  })
}
