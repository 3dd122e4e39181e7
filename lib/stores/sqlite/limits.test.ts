import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeLimits } from '../../../test/contracts/limits'
import { T0 } from '../../../test/support/fixtures'
import { FullError } from '../../core/rate-limit/limits'
import { LIMITS_SCHEMA, SqliteLimits } from './limits'
import { openSqlite, type SqliteFile } from './open'

describeLimits('the embedded limits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-limits-'))
  const opened: SqliteFile[] = []
  const open = () => {
    const db = openSqlite(folder, 'limits.db', LIMITS_SCHEMA)
    opened.push(db)
    return new SqliteLimits(db, { maxCountersPerRule: 50, maxUsed: 1_000 })
  }
  return {
    limits: open(),
    reopen: async () => open(),
    dispose: async () => {
      for (const db of opened) db.close()
      rmSync(folder, { recursive: true })
    },
  }
})

describe('with room for 2,000 counters of a rule and three used keys', () => {
  let folder: string
  let db: SqliteFile
  let limits: SqliteLimits
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qr-login-limits-'))
    db = openSqlite(folder, 'limits.db', LIMITS_SCHEMA)
    limits = new SqliteLimits(db, { maxCountersPerRule: 2_000, maxUsed: 3 })
  })
  afterEach(() => {
    db.close()
    rmSync(folder, { recursive: true })
  })

  const once = (key: string, windowMs: number) =>
    limits.take([{ rule: 'rule', key, limit: 1, windowMs, counts: true }], T0)

  test('a flood of keys: refused at the capacity, and evicts no counter', () => {
    once('block', 600_000)
    let refused = 0
    for (let index = 0; index < 10_000; index += 1) {
      try {
        once(`flood ${index}`, 60_000)
      } catch (error) {
        expect(error).toBeInstanceOf(FullError)
        refused += 1
      }
    }
    expect(refused).toBe(10_000 - 1_999)
    expect(once('block', 600_000)).toBe(600_000)
    expect(once('flood 0', 60_000)).toBe(60_000)
    expect(limits.sweep(T0 + 1_000_000, 1_000_000)).toBe(2_000)
  })

  test('refused counters of a full rule change no capacity of another rule', () => {
    const take = (rule: string, key: string, windowMs: number, now = T0) =>
      limits.take([{ rule, key, limit: 1, windowMs, counts: true }], now)
    // One rule with expired counters, and one that is full of active ones.
    for (let at = 0; at < 2_000; at += 1) take('over', `over ${at}`, 1_000)
    for (let at = 0; at < 2_000; at += 1) take('full', `full ${at}`, 600_000)
    for (let at = 0; at < 5; at += 1) expect(() => take('full', `more ${at}`, 1_000, T0 + 2_000)).toThrow(FullError)
    let taken = 0
    for (let at = 0; at < 3_000; at += 1) {
      try {
        take('over', `new ${at}`, 600_000, T0 + 2_000)
        taken += 1
      } catch (error) {
        expect(error).toBeInstanceOf(FullError)
      }
    }
    expect(taken).toBe(2_000)
  })

  test('a failed write does not change the number of counters of a rule', () => {
    const counters = [{ rule: 'rule', key: 'a', limit: 1, windowMs: 60_000, counts: true }]
    for (let at = 0; at < 3_000; at += 1) {
      const failing = () => {
        limits.count(limits.check(counters, T0).counts, T0)
        throw new Error('the write failed')
      }
      expect(() => limits.transact(T0, failing)).toThrow('the write failed')
    }
    expect(once('b', 60_000)).toBe(0)
  })

  test('after a restart the stored counters count against the capacity', () => {
    for (let index = 0; index < 2_000; index += 1) once(`flood ${index}`, 60_000)
    const again = new SqliteLimits(db, { maxCountersPerRule: 2_000, maxUsed: 3 })
    const more = () => again.take([{ rule: 'rule', key: 'one more', limit: 1, windowMs: 60_000, counts: true }], T0)
    expect(more).toThrow(FullError)
    again.sweep(T0 + 60_000, 1)
    expect(more()).toBe(0)
  })

  test('a used key is never evicted: at the capacity the next one fails with FullError', () => {
    for (const key of ['a', 'b', 'c']) expect(limits.takeOnce(key, T0 + 1_000, T0)).toBe(true)
    let thrown: unknown
    try {
      limits.takeOnce('d', T0 + 1_000, T0)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(FullError)
    limits.sweep(T0 + 1_000, 100)
    expect(limits.takeOnce('d', T0 + 2_000, T0 + 1_000)).toBe(true)
  })

  test('the sweep deletes expired rows only', () => {
    once('a', 60_000)
    once('b', 600_000)
    limits.takeOnce('n', T0 + 60_000, T0)
    limits.takeOnce('m', T0 + 600_000, T0)
    expect(limits.sweep(T0 + 60_000, 100)).toBe(2)
    expect(limits.take([{ rule: 'rule', key: 'b', limit: 1, windowMs: 600_000, counts: true }], T0 + 60_000)).toBe(
      540_000,
    )
    expect(limits.takeOnce('m', T0 + 600_000, T0 + 60_000)).toBe(false)
  })
})
