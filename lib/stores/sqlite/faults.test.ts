import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { beginning, computer, SESSION_LIFETIMES } from '../../../test/contracts/store-fixtures'
import { ADA, COMPUTER, pendingAttempt, T0 } from '../../../test/support/fixtures'
import { ForeignProcess } from '../../../test/support/foreign-process'
import { mountTmpfs } from '../../../test/support/tmpfs'
import { until } from '../../../test/support/until'
import type { Attempt } from '../../core/attempt/attempt'
import type { ComputerSession } from '../../core/session/session'
import { sqliteFailureKind } from './failure'
import { SqliteStore } from './store'

const tmpfs = mountTmpfs()
const DAY_MS = 24 * 3_600_000
const IDLE = { computer: SESSION_LIFETIMES.computerIdleMs, phone: SESSION_LIFETIMES.phoneIdleMs }

let folder: string
let store: SqliteStore
const open = () => new SqliteStore(folder, fail, { idle: IDLE })
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-faults-'))
})
afterEach(() => {
  store.close()
  tmpfs.unmountAll()
  rmSync(folder, { recursive: true })
})

function fail(error: unknown): never {
  throw error
}

function attempt(index: number, padding = 0): Attempt {
  const place = 'x'.repeat(padding)
  return { ...pendingAttempt(`A${String(index).padStart(15, '0')}`), computer: { ...COMPUTER, place } }
}

/** The failure of `work`; null for success. `kind`: null for any other error. */
async function failureOf(work: () => unknown): Promise<{ kind: string | null; message: string } | null> {
  try {
    await work()
    return null
  } catch (error) {
    return { kind: sqliteFailureKind(error), message: (error as Error).message }
  }
}

/** Inserts attempts until the disk is full. `taken`: how many were written. */
function fillDisk(from = 0): { taken: number; error: unknown } {
  for (let taken = 0; ; taken += 1) {
    try {
      store.insertAttempt(attempt(from + taken, 3_000))
    } catch (error) {
      return { taken, error }
    }
  }
}

test('while another process locks the database: writes fail at once, reads succeed; then writes succeed', async () => {
  store = open()
  store.insertSession(beginning(computer('s1')))
  const other = await ForeignProcess.run(join(folder, 'qr-login.db'), 'BEGIN IMMEDIATE')
  const startedAt = performance.now()
  for (let index = 0; index < 100; index += 1) {
    expect(await failureOf(() => store.insertAttempt(attempt(index)))).toMatchObject({ kind: 'busy' })
    expect(store.findSession('s1')).toMatchObject({ id: 's1', person: { name: ADA.person.name } })
    store.touchSession('s1', T0 + 60_000)
  }
  expect(await failureOf(() => store.ping())).toMatchObject({ kind: 'busy' })
  // 300 writes: with a busy timeout of 400 ms they would take two minutes.
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  await other.end()
  store.insertAttempt(attempt(0))
  expect(await failureOf(() => store.ping())).toBeNull()
})

test.skipIf(tmpfs.reason !== null)(
  `on a full disk: writes fail as full, reads succeed; with free space writes succeed and nothing is lost${tmpfs.title}`,
  async () => {
    tmpfs.mount(folder, 'size=2m')
    store = open()
    store.insertSession(beginning(computer('s1')))
    const filler = join(folder, 'filler')
    writeFileSync(filler, Buffer.alloc(1024 * 1024))
    const { taken, error } = fillDisk()
    expect(taken).toBeGreaterThan(0)
    expect(error).toMatchObject({ code: 'SQLITE_FULL', message: 'database or disk is full' })
    // The smallest write may still fit.
    await until(async () => (await failureOf(() => store.ping())) !== null)
    const guard = {
      counters: [{ rule: 'rule', key: 'a', limit: 9, windowMs: 60_000, counts: true }],
      now: T0,
      refuse: fail,
    }
    for (const write of [
      () => store.insertAttempt(attempt(9_000, 3_000), guard),
      () => store.insertSession(beginning(computer('s2'))),
      () => store.revokeSession('s1', T0, 'here'),
      () => store.take(guard.counters, T0),
      () => store.ping(),
    ]) {
      expect(await failureOf(write)).toEqual({ kind: 'full', message: 'database or disk is full' })
    }
    expect(store.findSession('s1')).toMatchObject({ revokedAt: null })
    for (let index = 0; index < taken; index += 1) expect(store.findAttempt(attempt(index).id)).not.toBeNull()
    unlinkSync(filler)
    expect(await failureOf(() => store.ping())).toBeNull()
    store.insertAttempt(attempt(9_000, 3_000), guard)
    expect(store.revokeSession('s1', T0, 'here')).not.toBeNull()
    const again = open()
    for (let index = 0; index < taken; index += 1) expect(again.findAttempt(attempt(index).id)).not.toBeNull()
    expect(again.findSession('s2')).toBeNull()
    again.close()
  },
)

test.each([
  ['deleted', 'qr-login.db', (path: string) => unlinkSync(path)],
  ['deleted', 'qr-login.db-wal', (path: string) => unlinkSync(path)],
  ['replaced', 'qr-login.db', (path: string) => renameCopy(path)],
] as const)(
  'a file that was %s while it was open (%s): ping, confirmDurable and takeOnce fail',
  async (how, name, change) => {
    store = open()
    expect(await failureOf(() => store.ping())).toBeNull()
    const path = join(folder, name)
    change(path)
    const expected = { kind: 'replaced', message: `${path} was ${how} while it was open: restart` }
    expect(await failureOf(() => store.ping())).toEqual(expected)
    expect(await failureOf(() => store.confirmDurable())).toEqual(expected)
    expect(await failureOf(() => store.takeOnce('nonce', T0 + 1, T0))).toEqual(expected)
  },
)

function renameCopy(path: string): void {
  copyFileSync(path, `${path}.copy`)
  renameSync(`${path}.copy`, path)
}

test('after a burst the write-ahead log shrinks to about 4 MB', async () => {
  store = open()
  const reader = await ForeignProcess.run(join(folder, 'qr-login.db'), 'BEGIN; SELECT * FROM sessions')
  const logBytes = () => statSync(join(folder, 'qr-login.db-wal')).size
  // An open reader prevents the restart of the log.
  for (let index = 0; logBytes() < 12 * 1024 * 1024; index += 1) store.insertAttempt(attempt(index, 3_000))
  await reader.end()
  for (let index = 10_000; index < 13_000; index += 1) store.insertAttempt(attempt(index, 3_000))
  expect(logBytes()).toBeLessThan(5 * 1024 * 1024)
})

test('an ended session keeps only the fields that a repeat needs', () => {
  store = open()
  const full: ComputerSession = { ...computer('s1'), browser: 'Firefox', os: 'Linux', place: 'Paris' }
  store.insertSession(beginning(full))
  expect(store.revokeSession('s1', T0 + 5, 'phone')).toEqual({ ...full, revokedAt: T0 + 5, revokedBy: 'phone' })
  const empty = { browser: null, os: null, place: null, person: { id: 'ada', name: '', avatarUrl: null } }
  const { browserHash: _, amr: __, ...kept } = full
  expect(store.findSession('s1')).toEqual({ ...kept, ...empty, revokedAt: T0 + 5, revokedBy: 'phone' })
  expect(store.insertSession(beginning(full))).toBeNull()
})

test('the sweep ends sessions that were unused for their idle time plus a day, at most `limit` per call', () => {
  store = open()
  for (const id of ['s1', 's2', 's3', 's4']) store.insertSession(beginning(computer(id)))
  store.touchSession('s4', T0 + 1)
  const unusedAt = T0 + IDLE.computer + DAY_MS
  expect(store.sweep(unusedAt - 1, 100)).toBe(0)
  expect(store.sweep(unusedAt, 2)).toBe(2)
  expect(store.sweep(unusedAt, 2)).toBe(1)
  expect(store.sweep(unusedAt, 2)).toBe(0)
  expect(store.findSession('s1')).toMatchObject({ revokedAt: unusedAt, revokedBy: 'time', person: { name: '' } })
  expect(store.findSession('s4')).toMatchObject({ revokedAt: null, person: { name: ADA.person.name } })
})
