import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { expect, test } from 'vitest'
import { describeStore } from '../../../test/contracts/store'
import { ADA, COMPUTER, LIFETIMES, pendingAttempt, T0 } from '../../../test/support/fixtures'
import { TOMBSTONE_MS } from '../../core/attempt/attempt'
import { toLimitedEvent } from '../../core/outbox/event'
import { EVENT_LIFE_MS } from '../../core/outbox/outbox-store'
import { FullError } from '../../core/rate-limit/limits'
import { type AnySession, createComputerSession, createPhoneSession } from '../../core/session/session'
import type { SessionStart } from '../../core/store'
import { FanOut } from '../fan-out'
import { sqliteFailureKind } from './failure'
import { FIND_SURPLUS } from './statements'
import { SqliteStore } from './store'

describeStore('the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const opened: SqliteStore[] = []
  const open = () => {
    const store = new SqliteStore(folder, fail, {
      maxAttempts: 100,
      maxRecords: 50,
      maxEvents: 20,
      room: { maxCountersPerRule: 50, maxUsed: 1_000 },
    })
    opened.push(store)
    return store
  }
  return {
    store: open(),
    countWatchers: () => opened.reduce((sum, each) => sum + each.watching, 0),
    reopen: async () => open(),
    dispose: async () => {
      for (const store of opened) store.close()
      rmSync(folder, { recursive: true })
    },
  }
})

test('attempts beyond the capacity are refused, also after a restart, until old ones are deleted', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail, { maxAttempts: 2 })
  store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))
  store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA2'))
  store.close()
  const again = new SqliteStore(folder, fail, { maxAttempts: 2 })
  expect(() => again.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA3'))).toThrow(FullError)
  again.sweep(T0 + 3_600_000, 100)
  again.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA3'))
  expect(again.findAttempt('AAAAAAAAAAAAAAA3')).not.toBeNull()
  again.close()
  rmSync(folder, { recursive: true })
})

test('the sweep deletes expired rows only, at most `limit` per call', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail)
  const ids = Array.from({ length: 5 }, (_, index) => `AAAAAAAAAAAAAAA${index}`)
  for (const each of ids) store.insertAttempt(pendingAttempt(each))
  store.insertSession(beginningOf(createPhoneSession('s1', ADA.person, { browser: null, os: null, place: null }, T0)))
  store.remember('ada', 'hash', T0 + 10 ** 10)
  const over = T0 + LIFETIMES.attemptMs + TOMBSTONE_MS
  expect(store.sweep(over - 1, 100)).toBe(0)
  expect(store.sweep(over, 3)).toBe(3)
  expect(store.sweep(over, 3)).toBe(2)
  expect(store.findAttempt(ids[0] as string)).toBeNull()
  expect(store.findSession('s1')).not.toBeNull()
  expect(store.remembers('ada', 'hash', over)).toBe(true)
  store.close()
  rmSync(folder, { recursive: true })
})

test('the data folder is created, readable by its owner only', () => {
  const parent = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const folder = join(parent, 'new', 'data')
  new SqliteStore(folder, fail).close()
  expect(statSync(folder).mode & 0o077).toBe(0)
  rmSync(parent, { recursive: true })
})

test('a database that another connection has locked: the write fails as busy, not as a bug', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail)
  const other = new Database(join(folder, 'qr-login.db'))
  other.exec('BEGIN EXCLUSIVE')
  let thrown: unknown
  try {
    store.insertAttempt(pendingAttempt())
  } catch (error) {
    thrown = error
  }
  other.exec('ROLLBACK')
  expect(sqliteFailureKind(thrown)).toBe('busy')
  expect(sqliteFailureKind(new Error('a bug'))).toBeNull()
  store.insertAttempt(pendingAttempt())
  store.close()
  rmSync(folder, { recursive: true })
})

test('a listener that throws: the others receive the message, and publish does not throw', () => {
  const errors: unknown[] = []
  const received: number[] = []
  const fanOut = new FanOut<number>((error) => errors.push(error))
  fanOut.watch('a', () => fail(new Error('a bug')))
  fanOut.watch('a', (message) => received.push(message))
  fanOut.publish('a', 1)
  expect({ received, errors: errors.length }).toEqual({ received: [1], errors: 1 })
})

test('after unwatch the topic is gone', () => {
  const fanOut = new FanOut<number>(fail)
  const unwatch = fanOut.watch('a', () => {})
  expect(fanOut.size).toBe(1)
  unwatch()
  expect(fanOut.size).toBe(0)
})

test('an event that cannot be written undoes its change, and a change that is undone has no event', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail)
  store.writeEvents(() => {})
  const session = createComputerSession({ id: 's1', person: ADA.person, computer: COMPUTER, amr: [] }, T0, {
    computerMs: 60_000,
    computerIdleMs: 60_000,
    phoneIdleMs: 60_000,
  })
  store.insertSession(beginningOf(session))
  const other = new Database(join(folder, 'qr-login.db'))
  const refuse = (table: string, when: string) =>
    other.exec(`CREATE TRIGGER planted ${when} ON ${table} BEGIN SELECT RAISE(ABORT, 'planted'); END`)
  refuse('outbox', 'BEFORE INSERT')
  expect(() => store.revokeSession('s1', T0, 'phone')).toThrow('planted')
  expect(store.findSession('s1')).toMatchObject({ revokedAt: null })
  other.exec('DROP TRIGGER planted')
  refuse('sessions', 'AFTER UPDATE')
  expect(() => store.revokeSession('s1', T0, 'phone')).toThrow('planted')
  expect(store.countEvents()).toBe(1)
  other.exec('DROP TRIGGER planted')
  store.revokeSession('s1', T0, 'phone')
  expect(store.countEvents()).toBe(2)
  other.close()
  store.close()
  rmSync(folder, { recursive: true })
})

test('the sweep deletes events that no process has claimed for four days', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail)
  store.writeEvents(() => {})
  for (const at of [T0, T0 + 1, T0 + 2])
    store.appendEvent(toLimitedEvent('ada', 'scan', at), { key: `${at}`, until: at + 1 })
  store.sweep(T0 + EVENT_LIFE_MS - 1, 100)
  expect(store.countEvents()).toBe(3)
  store.sweep(T0 + EVENT_LIFE_MS + 1, 100)
  expect(store.countEvents()).toBe(1)
  const now = T0 + EVENT_LIFE_MS + 1
  const room = { unsorted: 9, deliveries: 9, perEndpoint: 9, room: {} }
  expect(store.claimEvents({ now, leaseEndsAt: now + 1, ...room })).toMatchObject([{ event: { at: T0 + 2 } }])
  store.close()
  rmSync(folder, { recursive: true })
})

function fail(error: unknown): never {
  throw error
}

test('a database of an older version: its sessions stay valid, and new columns are written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const older = new Database(join(folder, 'qr-login.db'))
  older.exec(`
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY, kind TEXT NOT NULL, person_id TEXT NOT NULL, signed_in_at INTEGER NOT NULL,
      last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER, data TEXT NOT NULL
    ) WITHOUT ROWID`)
  const old = { kind: 'computer', id: 's1', person: ADA.person, browser: 'Firefox', os: null, place: null }
  const times = { signedInAt: T0, lastSeenAt: T0, expiresAt: T0 + 1_000, revokedAt: null }
  older
    .prepare('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, NULL, ?)')
    .run('s1', 'computer', 'ada', T0, T0, T0 + 1_000, JSON.stringify({ ...old, ...times }))
  older.close()
  const store = new SqliteStore(folder, fail)
  expect(store.findSession('s1')).toMatchObject({ browser: 'Firefox', acknowledged: false, revokedBy: null })
  store.acknowledgeSession('s1')
  expect(store.revokeSession('s1', T0, 'phone')).toMatchObject({ acknowledged: true, revokedBy: 'phone' })
  store.close()
  new SqliteStore(folder, fail).close()
  rmSync(folder, { recursive: true })
})

test('a sign-in reads only the sessions of its person', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail)
  const db = new Database(join(folder, 'qr-login.db'))
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${FIND_SURPLUS}`).all('ada', 'computer', T0, T0, 's1', 19)
  expect(plan).toMatchObject([{ detail: expect.stringContaining('USING INDEX sessions_person') }, expect.anything()])
  db.close()
  store.close()
  rmSync(folder, { recursive: true })
})

function beginningOf(session: AnySession): SessionStart {
  return { session, now: T0, replaces: null, keeps: 20, by: 'limit', idleMs: 1_000 }
}
