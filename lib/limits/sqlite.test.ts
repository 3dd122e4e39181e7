import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isSqliteFailure, openSqlite, type SqliteFile } from '../sqlite/open'
import { T0 } from '../testing/fixtures'
import { describeLimits } from './contract'
import { LIMITS_SCHEMA, SqliteLimits } from './sqlite'

describeLimits('the embedded limits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-limits-'))
  const opened: SqliteFile[] = []
  const open = () => {
    const db = openSqlite(folder, 'limits.db', LIMITS_SCHEMA)
    opened.push(db)
    return new SqliteLimits(db)
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

describe('with room for 2,000 counters and three used keys', () => {
  let folder: string
  let db: SqliteFile
  let limits: SqliteLimits
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qr-login-limits-'))
    db = openSqlite(folder, 'limits.db', LIMITS_SCHEMA)
    limits = new SqliteLimits(db, { maxCounters: 2_000, maxUsed: 3 })
  })
  afterEach(() => {
    db.close()
    rmSync(folder, { recursive: true })
  })

  const once = (key: string, windowMs: number) => limits.take([{ key, limit: 1, windowMs, counts: true }], T0)

  test('a flood of keys pushes out the short windows, never a long block', () => {
    once('block', 600_000)
    for (let index = 0; index < 10_000; index += 1) once(`flood ${index}`, 60_000)
    expect(once('block', 600_000)).toBe(600_000)
    expect(once('flood 9999', 60_000)).toBe(60_000)
    expect(once('flood 0', 60_000)).toBe(0)
    // All that was kept is over by now: at most as many as there is room for.
    expect(limits.sweep(T0 + 1_000_000, 1_000_000)).toBeLessThanOrEqual(2_000)
  })

  test('a used key is never pushed out: the next one fails as a full disk does', () => {
    for (const key of ['a', 'b', 'c']) expect(limits.takeOnce(key, T0 + 1_000, T0)).toBe(true)
    let thrown: unknown
    try {
      limits.takeOnce('d', T0 + 1_000, T0)
    } catch (error) {
      thrown = error
    }
    expect(isSqliteFailure(thrown)).toBe(true)
    limits.sweep(T0 + 1_000, 100)
    expect(limits.takeOnce('d', T0 + 2_000, T0 + 1_000)).toBe(true)
  })

  test('forgets what is over, and only that', () => {
    once('a', 60_000)
    once('b', 600_000)
    limits.takeOnce('n', T0 + 60_000, T0)
    limits.takeOnce('m', T0 + 600_000, T0)
    expect(limits.sweep(T0 + 60_000, 100)).toBe(2)
    expect(limits.take([{ key: 'b', limit: 1, windowMs: 600_000, counts: true }], T0 + 60_000)).toBe(540_000)
    expect(limits.takeOnce('m', T0 + 600_000, T0 + 60_000)).toBe(false)
  })
})
