import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIFETIMES, pendingAttempt, T0 } from '../../../test/support/fixtures'
import { SqliteStore } from '../../stores/sqlite/store'
import { ShortCodes } from './short-codes'

const FIRST = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0])
const SECOND = Buffer.from([1, 1, 1, 1, 1, 1, 1, 1])
const ATTEMPT = pendingAttempt('AAAAAAAAAAAAAAA1')
const OTHER = pendingAttempt('AAAAAAAAAAAAAAA2')

let folder: string
let store: SqliteStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-store-'))
  store = new SqliteStore(folder, fail)
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true })
})

function fail(error: unknown): never {
  throw error
}

/** Draws these bytes, one after another. */
function codesFrom(...bytes: Buffer[]): ShortCodes {
  const randomBytes = () => bytes.shift() ?? fail(new Error('no bytes are left'))
  return new ShortCodes({ store, lifetimes: LIFETIMES, now: () => T0, randomBytes })
}

const find = (code: string, now = T0) => store.findRecord(`short-code ${code}`, now)

describe('a short code', () => {
  test('that is taken is drawn again', async () => {
    expect(await codesFrom(FIRST).issue(ATTEMPT)).toEqual({ shortCode: 'BBBB-BBBB', expiresInMs: 300_000 })
    const codes = codesFrom(FIRST, SECOND)
    expect(await codes.issue(OTHER)).toMatchObject({ shortCode: 'CCCC-CCCC' })
    expect([await codes.findAttemptId('BBBBBBBB'), await codes.findAttemptId('CCCCCCCC')]).toEqual([
      ATTEMPT.id,
      OTHER.id,
    ])
  })

  test('of concurrent requests is one: the codes of the others are removed', async () => {
    const codes = codesFrom(FIRST, SECOND)
    const answers = await Promise.all([codes.issue(ATTEMPT), codes.issue(ATTEMPT)])
    expect(answers.map(({ shortCode }) => shortCode)).toEqual(['BBBB-BBBB', 'BBBB-BBBB'])
    expect([find('BBBBBBBB')?.data, find('CCCCCCCC')]).toEqual([JSON.stringify(ATTEMPT.id), null])
  })

  test('that has no room leaves nothing', async () => {
    store.close()
    store = new SqliteStore(folder, fail, { maxRecords: 3 })
    await codesFrom(FIRST).issue(ATTEMPT)
    await expect(codesFrom(SECOND).issue(OTHER)).rejects.toThrow('records')
    expect(find('CCCCCCCC')).toBeNull()
  })

  test('is kept until no answer to its attempt is possible', async () => {
    await codesFrom(FIRST).issue(ATTEMPT)
    const endsAt = T0 + LIFETIMES.attemptMs + LIFETIMES.confirmMs + LIFETIMES.ticketMs
    expect([find('BBBBBBBB', endsAt - 1)?.data, find('BBBBBBBB', endsAt)]).toEqual([JSON.stringify(ATTEMPT.id), null])
  })
})
