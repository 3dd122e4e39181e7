import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { T0 } from '../../../test/support/fixtures'
import { keyIdOf } from '../../core/keys'
import { SqliteStore } from '../../stores/sqlite/store'
import { SigningKeys } from './signing-keys'

const OLD = 'the old secret of a test that is long enough'
const NEW = 'the new secret of a test that is long enough'
const DAY_MS = 24 * 3_600_000

let folder: string
let records: SqliteStore
let time: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-signing-keys-'))
  records = new SqliteStore(folder, (error) => {
    throw error
  })
  time = T0
})
afterEach(() => {
  records.close()
  rmSync(folder, { recursive: true })
})

/** The keys as a process with these secrets has them. */
const processWith = (...secrets: [string, ...string[]]) =>
  new SigningKeys({ records, secrets, now: () => time, randomBytes })
const idsOf = async (keys: SigningKeys) => (await keys.load()).map(({ alg, kid }) => `${alg} ${kid}`)

test('all processes have the same keys, also when they start at once', async () => {
  const sets = await Promise.all([processWith(OLD), processWith(OLD), processWith(OLD)].map(idsOf))
  expect(new Set(sets.map(String)).size).toBe(1)
  // Current and next of each algorithm, those that sign first.
  expect(sets[0]?.map((id) => id.split(' ')[0])).toEqual(['RS256', 'ES256', 'RS256', 'ES256'])
  expect(await idsOf(processWith(OLD))).toEqual(sets[0])
})

test('the store holds no key in plain text, and a changed record is not read', async () => {
  await processWith(OLD).load()
  const key = `signing-keys ${keyIdOf(OLD)}`
  const { data = '' } = records.findRecord(key, T0) ?? {}
  expect(Buffer.from(JSON.parse(data) as string, 'base64url').toString('latin1')).not.toMatch(/kty|RSA|"d"/)
  const bytes = Buffer.from(JSON.parse(data) as string, 'base64url')
  bytes[40] = (bytes[40] ?? 0) ^ 1
  records.putRecord({ key, data: JSON.stringify(bytes.toString('base64url')), expiresAt: T0 + DAY_MS, group: null })
  const before = await idsOf(processWith(NEW))
  expect(before).toHaveLength(4)
  // A record that cannot be unsealed gives way to new keys.
  expect(await idsOf(processWith(OLD))).toHaveLength(4)
})

test('every 90 days next becomes current and current previous, for every process', async () => {
  const [first, second] = [processWith(OLD), processWith(OLD)]
  const [rs, es, rsNext, esNext] = await idsOf(first)
  await second.load()
  time = T0 + 90 * DAY_MS - 1
  expect(await idsOf(first)).toEqual([rs, es, rsNext, esNext])
  time = T0 + 90 * DAY_MS
  const [one, two] = await Promise.all([idsOf(first), idsOf(second)])
  expect(one).toEqual(two)
  expect(one.slice(0, 2)).toEqual([rsNext, esNext])
  expect(one.slice(4)).toEqual([rs, es])
  time = T0 + 180 * DAY_MS
  const third = await idsOf(second)
  expect(third).not.toContain(rs)
  expect(third.slice(4)).toEqual([rsNext, esNext])
})

test('while the secret is rotated, processes of every phase have the same keys', async () => {
  const keys = await idsOf(processWith(OLD))
  expect(await idsOf(processWith(OLD, NEW))).toEqual(keys)
  expect(await idsOf(processWith(NEW, OLD))).toEqual(keys)
  expect(await idsOf(processWith(OLD, NEW))).toEqual(keys)
  expect(await idsOf(processWith(NEW))).toEqual(keys)
})

test('keys that turn while the secret is rotated are the same for both', async () => {
  await processWith(OLD, NEW).load()
  await processWith(NEW, OLD).load()
  time = T0 + 91 * DAY_MS
  const turned = await idsOf(processWith(OLD, NEW))
  expect(await idsOf(processWith(NEW, OLD))).toEqual(turned)
})

test('a process with another secret has keys of its own, and leaves the others alone', async () => {
  const keys = await idsOf(processWith(OLD))
  expect(await idsOf(processWith(NEW))).not.toEqual(keys)
  expect(await idsOf(processWith(OLD))).toEqual(keys)
})
