import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ADA, LIFETIMES, pendingAttempt, scanBy, T0 } from '../../test/support/fixtures'
import { transition } from '../core/attempt/transition'
import { deriveKeyring } from '../core/keys'
import type { TokenPhone } from '../core/session/session'
import { Sessions } from '../core/session/sessions'
import { SqliteStore } from '../stores/sqlite/store'
import { AccountStreams } from './account-streams'
import { ConnectionRegistry } from './connections'
import { TimerWheel } from './timer-wheel'

const LIFETIME_MS = { computerMs: 86_400_000, computerIdleMs: 86_400_000, phoneIdleMs: 86_400_000 }

test('the stream of a bearer token that is closed while it sends leaves no timer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-streams-'))
  const store = new SqliteStore(folder, () => {})
  const now = () => T0
  const timers = new TimerWheel(now, now)
  const sessions = new Sessions({
    store,
    audit: () => {},
    lifetimes: LIFETIME_MS,
    singleComputer: false,
    maxComputers: 20,
    now,
    randomBytes: (size) => Buffer.alloc(size),
  })
  const keys = deriveKeyring(['a secret for tests that is long enough'])
  const streams = new AccountStreams({
    store,
    sessions,
    sessionLifetimes: LIFETIME_MS,
    keys,
    timers,
    now,
    onError: (error) => {
      throw error
    },
  })
  const registry = new ConnectionRegistry({ perAddress: 10, inAll: 10 }, Math.random)
  const connection = registry.admit([{ key: 'a', factor: 1 }], 'sse')
  if (typeof connection === 'string') throw new Error(connection)
  let isReading = true
  let unsubscribe = () => {}
  connection.attach({ send: () => isReading, heartbeat: () => isReading, close: () => {} }, () => unsubscribe())
  const person = { ...ADA.person, username: null, email: null, emailVerified: false, groups: [] }
  const phone: TokenPhone = { kind: 'token', id: ADA.sessionId, person, expiresAt: T0 + 86_400_000 }
  unsubscribe = await streams.subscribe(connection, phone)
  expect(timers.size).toBe(1)
  isReading = false
  store.insertAttempt(pendingAttempt())
  const stored = store.findAttempt(pendingAttempt().id)
  if (stored === null) throw new Error('it was inserted')
  store.compareAndSet(stored, transition(stored, scanBy(ADA), T0, LIFETIMES))
  await expect.poll(() => connection.isClosed).toBe(true)
  expect([registry.size, timers.size]).toEqual([0, 0])
  store.close()
  rmSync(folder, { recursive: true })
})
