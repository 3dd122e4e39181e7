import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { expect, test } from 'vitest'
import { TOMBSTONE_MS } from '../attempt/attempt'
import { createPhoneSession } from '../session/session'
import { isSqliteFailure } from '../sqlite/open'
import { ADA, LIFETIMES, pendingAttempt, T0 } from '../testing/fixtures'
import { describeStore } from './contract'
import { FanOut } from './fan-out'
import { SqliteStore } from './sqlite'

describeStore('the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const opened: SqliteStore[] = []
  const open = () => {
    const store = new SqliteStore(folder, fail)
    opened.push(store)
    return store
  }
  return {
    store: open(),
    reopen: async () => open(),
    dispose: async () => {
      for (const store of opened) store.close()
      rmSync(folder, { recursive: true })
    },
  }
})

test('more attempts than there is room for fail as a full disk does, until old ones are forgotten', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail, 2)
  store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))
  store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA2'))
  store.close()
  const again = new SqliteStore(folder, fail, 2)
  let thrown: unknown
  try {
    again.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA3'))
  } catch (error) {
    thrown = error
  }
  expect(isSqliteFailure(thrown)).toBe(true)
  again.sweep(T0 + 3_600_000, 100)
  again.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA3'))
  expect(again.findAttempt('AAAAAAAAAAAAAAA3')).not.toBeNull()
  again.close()
  rmSync(folder, { recursive: true })
})

test('sweeping forgets what is over, a bounded number at a time, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const store = new SqliteStore(folder, fail)
  const ids = Array.from({ length: 5 }, (_, index) => `AAAAAAAAAAAAAAA${index}`)
  for (const each of ids) store.insertAttempt(pendingAttempt(each))
  store.insertSession(createPhoneSession('s1', ADA.person, T0))
  store.rememberBrowser('ada', 'hash', T0 + 10 ** 10)
  const over = T0 + LIFETIMES.attemptMs + TOMBSTONE_MS
  expect(store.sweep(over - 1, 100)).toBe(0)
  expect(store.sweep(over, 3)).toBe(3)
  expect(store.sweep(over, 3)).toBe(2)
  expect(store.findAttempt(ids[0] as string)).toBeNull()
  expect(store.findSession('s1')).not.toBeNull()
  expect(store.isKnownBrowser('ada', 'hash', over)).toBe(true)
  store.close()
  rmSync(folder, { recursive: true })
})

test('the data folder is made, for its owner only', () => {
  const parent = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  const folder = join(parent, 'new', 'data')
  new SqliteStore(folder, fail).close()
  expect(statSync(folder).mode & 0o077).toBe(0)
  rmSync(parent, { recursive: true })
})

test('a store that somebody else keeps locked fails as a store, not as a bug', () => {
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
  expect(isSqliteFailure(thrown)).toBe(true)
  expect(isSqliteFailure(new Error('a bug'))).toBe(false)
  store.insertAttempt(pendingAttempt())
  store.close()
  rmSync(folder, { recursive: true })
})

test('a listener that throws silences neither the others nor the publisher', () => {
  const errors: unknown[] = []
  const heard: number[] = []
  const fanOut = new FanOut<number>((error) => errors.push(error))
  fanOut.watch('a', () => fail(new Error('a bug')))
  fanOut.watch('a', (message) => heard.push(message))
  fanOut.publish('a', 1)
  expect({ heard, errors: errors.length }).toEqual({ heard: [1], errors: 1 })
})

test('a listener that has left leaves nothing behind', () => {
  const fanOut = new FanOut<number>(fail)
  const unwatch = fanOut.watch('a', () => {})
  expect(fanOut.size).toBe(1)
  unwatch()
  expect(fanOut.size).toBe(0)
})

function fail(error: unknown): never {
  throw error
}
