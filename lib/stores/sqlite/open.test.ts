import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pendingAttempt } from '../../../test/support/fixtures'
import { mountTmpfs } from '../../../test/support/tmpfs'
import { StartError } from '../../core/start-error'
import { openDatabase } from './database'
import { MARK } from './identify'
import { LIMITS_SCHEMA } from './limits'
import { SCHEMA } from './statements'
import { SqliteStore } from './store'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-open-'))
  path = join(folder, 'qr-login.db')
})
afterEach(() => {
  tmpfs.unmountAll()
  rmSync(folder, { recursive: true, force: true })
})

function fail(error: unknown): never {
  throw error
}

/** The message of the StartError, or `opened`. */
function refusal(dataDir = folder): string {
  try {
    new SqliteStore(dataDir, fail).close()
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
  return 'opened'
}

/** The digest of every file in the folder. */
function digests(): Record<string, string> {
  const digest = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex')
  return Object.fromEntries(readdirSync(folder).map((name) => [name, digest(name)]))
}

/** Creates a database of ours with some megabytes, closed, without a log. */
function fill(): void {
  const db = openDatabase(path)
  db.exec(`PRAGMA application_id = ${MARK}; ${SCHEMA} ${LIMITS_SCHEMA}`)
  db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO attempts SELECT printf('A%015d', i), 1, i, printf('%0100d', i) FROM n`)
  db.close()
}

test.each([
  ['garbage', () => writeFileSync(path, Buffer.alloc(8_192, 0x5a)), 'is not a SQLite database, or is damaged'],
  ['a few bytes', () => writeFileSync(path, 'SQLite format 3\0'), 'is not a SQLite database, or is damaged'],
  ['a text', () => writeFileSync(path, 'my notes\n'.repeat(100)), 'is not a SQLite database, or is damaged'],
] as const)('%s in place of the database is refused with a table and not changed', (_, write, problem) => {
  write()
  const before = digests()
  expect(refusal()).toBe(
    [
      'qr-login cannot start. The database cannot be used:',
      `  ${path}  ${problem}`,
      'Move the file away, or name another folder in DATA_DIR. Nothing in it was changed.',
    ].join('\n'),
  )
  expect(digests()).toEqual(before)
})

test('a truncated database is refused and not changed', () => {
  fill()
  truncateSync(path, statSync(path).size / 2)
  const before = readFileSync(path)
  expect(refusal()).toMatch(/qr-login\.db {2}is damaged/)
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a database with one overwritten page is refused', () => {
  fill()
  const bytes = readFileSync(path)
  bytes.fill(0x5a, 4_096 * 100, 4_096 * 101)
  writeFileSync(path, bytes)
  expect(refusal()).toMatch(/qr-login\.db {2}is damaged/)
})

test('an empty file beside a log is refused: SQLite would delete the log', () => {
  const store = new SqliteStore(folder, fail)
  store.insertAttempt(pendingAttempt())
  const copy = mkdtempSync(join(tmpdir(), 'qr-login-open-'))
  copyFileSync(`${path}-wal`, join(copy, 'qr-login.db-wal'))
  writeFileSync(join(copy, 'qr-login.db'), '')
  expect(refusal(copy)).toMatch(/is empty, but has a log/)
  expect(statSync(join(copy, 'qr-login.db-wal')).size).toBeGreaterThan(0)
  store.close()
  rmSync(copy, { recursive: true })
})

test.each([
  ['with a mark', 'PRAGMA application_id = 1234; CREATE TABLE t (a)'],
  ['without a mark', 'CREATE TABLE notes (a); INSERT INTO notes VALUES (1)'],
] as const)('the database of another application %s is refused and not changed', (_, sql) => {
  const other = openDatabase(path)
  other.exec(sql)
  other.close()
  const before = digests()
  expect(refusal()).toMatch(/qr-login\.db {2}belongs to another application \(.*(1234|notes)/)
  expect(digests()).toEqual(before)
})

test('a database of another application with table names of ours is refused and not changed', () => {
  const other = openDatabase(path)
  other.exec('CREATE TABLE sessions (sid TEXT, sess TEXT)')
  other.close()
  const before = digests()
  expect(refusal()).toMatch(/qr-login\.db {2}belongs to another application \(.*sessions/)
  expect(digests()).toEqual(before)
})

test('a new database has the mark in its first page, and an older one gets it', () => {
  const store = new SqliteStore(folder, fail)
  expect(readFileSync(path).readUInt32BE(68)).toBe(MARK)
  store.close()
  const older = mkdtempSync(join(tmpdir(), 'qr-login-open-'))
  const unmarked = openDatabase(join(older, 'qr-login.db'))
  unmarked.exec(`PRAGMA journal_mode = WAL; ${SCHEMA}`)
  unmarked.close()
  expect(refusal(older)).toBe('opened')
  const again = openDatabase(join(older, 'qr-login.db'))
  expect(again.prepare('PRAGMA application_id').get()).toMatchObject({ application_id: MARK })
  again.close()
  rmSync(older, { recursive: true })
})

test('a folder in place of the database, and a file in place of the folder, are refused', () => {
  mkdirSync(path)
  expect(refusal()).toMatch(/qr-login\.db {2}is a folder where a file has to be\nMove it away/)
  const file = join(folder, 'file')
  writeFileSync(file, 'mine')
  expect(refusal(file)).toMatch(/file {2}is a file, not a folder\nName a folder in DATA_DIR/)
  expect(refusal(join(file, 'below'))).toMatch(/below {2}is a file, or lies below one/)
  expect(readFileSync(file, 'utf8')).toBe('mine')
})

test('a database that another process has locked is refused within 2 s', () => {
  fill()
  const other = openDatabase(path)
  other.exec('BEGIN EXCLUSIVE')
  const startedAt = performance.now()
  expect(refusal()).toMatch(/qr-login\.db {2}is locked by another process/)
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  other.close()
})

/** Runs `work` as another user if this is root, which may read and write everything. */
function asUser<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}

test('a database or folder without permission to read or write is refused', () => {
  fill()
  chmodSync(folder, 0o755)
  chmodSync(path, 0o000)
  expect(asUser(refusal)).toMatch(/qr-login\.db {2}this user may not (read or )?write there/)
  chmodSync(path, 0o444)
  chmodSync(folder, 0o555)
  expect(asUser(refusal)).toMatch(/qr-login\.db {2}(cannot be (written|opened, read or written))/)
  expect(asUser(() => refusal(join(folder, 'new')))).toMatch(/new {2}this user may not/)
  chmodSync(folder, 0o755)
})

const tmpfs = mountTmpfs()

test.skipIf(tmpfs.reason !== null)(`a read-only file system is refused${tmpfs.title}`, () => {
  tmpfs.mount(folder, 'ro')
  expect(refusal()).toMatch(/qr-login\.db {2}cannot be (written|opened, read or written)/)
  expect(refusal(join(folder, 'new'))).toMatch(/new {2}cannot be made there/)
})

test.skipIf(tmpfs.reason !== null)(`a full disk is refused${tmpfs.title}`, () => {
  tmpfs.mount(folder, 'size=64k')
  expect(() => writeFileSync(join(folder, 'filler'), Buffer.alloc(65_536))).not.toThrow()
  expect(refusal()).toMatch(/qr-login\.db {2}the disk is full/)
})
