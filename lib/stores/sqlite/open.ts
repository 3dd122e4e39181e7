import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { folderError, StartError } from '../../core/start-error'
import { openDatabase, type SqliteFile } from './database'
import { DiskFailure, type SqliteFailureKind, sqliteFailureKind } from './failure'
import { checkTables, identify, MARK, requireOwnTables } from './identify'

export type { SqliteFile } from './database'

/** How long opening waits for a lock that another process holds on the database. */
const BUSY_AT_START_MS = 1_000

/**
 * The size to which the write-ahead log shrinks after a burst. SQLite restarts the log after a
 * checkpoint, which happens every 1,000 pages (4 MB) unless a reader delays it.
 */
const LOG_BYTES = 4 * 1024 * 1024

/** A file up to this size is checked completely at the start, which takes about 2 ms per MB. */
const CHECKED_BYTES = 128 * 1024 * 1024

/**
 * Opens or creates `{folder}/{name}` and executes `schema`. Only this user can read the file. A
 * commit is synchronous, and survives the end of the process. After the start no call waits for a
 * lock of another process: it fails at once as `busy`, so that it does not block the event loop.
 * @throws StartError for a file that is not ours, damaged, locked, or not writable. The file is not
 * changed.
 */
export function openSqlite(folder: string, name: string, schema: string): SqliteFile {
  makeFolder(folder)
  const path = join(folder, name)
  const identity = identify(folder, path)
  let db: SqliteFile | undefined
  try {
    if (identity === 'unmarked') requireOwnTables(path)
    db = openDatabase(path)
    db.exec(`PRAGMA busy_timeout = ${BUSY_AT_START_MS}`)
    if (identity === 'unmarked') checkTables(db, path)
    // Before the log exists, so that the first page of a new file already has the mark.
    if (identity !== 'ours') db.exec(`PRAGMA application_id = ${MARK}`)
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${LOG_BYTES};`)
    if (statSync(path).size <= CHECKED_BYTES) checkPages(db)
    db.exec(schema)
    db.exec('PRAGMA busy_timeout = 0')
    return db
  } catch (error) {
    db?.close()
    throw toStartError(path, error)
  }
}

const KEEP_AND_COPY =
  'Move it away, with its -wal and -shm, and put a copy back; or begin with no data: devices have to sign in again.'

const PROBLEMS: Record<SqliteFailureKind, [problem: string, advice: string]> = {
  busy: ['is locked by another process', 'End what has the file open (fuser shows it), and start again.'],
  full: ['the disk is full', 'Free some space: nothing was changed.'],
  read_only: ['cannot be written', 'Give the folder and its files to the user that runs qr-login (chown, chmod).'],
  corrupt: ['is damaged', KEEP_AND_COPY],
  io: [
    'cannot be opened, read or written',
    'Check that it is a file, its owner and mode (chown, chmod), and the disk.',
  ],
  replaced: ['was deleted or replaced', 'Leave the files in DATA_DIR alone while qr-login runs.'],
  other: ['has tables that this version cannot use', KEEP_AND_COPY],
}

/** Converts a failure of opening a database to a StartError. Returns all other errors unchanged. */
export function toStartError(path: string, error: unknown): unknown {
  const kind = sqliteFailureKind(error)
  if (kind === null) return error
  const [problem, advice] = PROBLEMS[kind]
  const details = `${problem} (${(error as Error).message})`
  return new StartError('The database cannot be used:', [{ name: path, problem: details }], [advice])
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw folderError(folder, folder, error)
  }
}

function checkPages(db: SqliteFile): void {
  const { quick_check: found } = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
  if (found !== 'ok') throw new DiskFailure('corrupt', found)
}
