import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { folderError, StartError } from '../../core/start-error'
import { openDatabase, type SqliteFile } from './database'

/**
 * The `application_id` of our files, "qrlg". SQLite reserves the field for this purpose
 * (https://sqlite.org/fileformat2.html, 1.3.17).
 */
export const MARK = 0x71_72_6c_67

const HEADER_BYTES = 100
const MAGIC = 'SQLite format 3\0'
const MARK_AT = 68

const NOT_OURS = 'Move the file away, or name another folder in DATA_DIR. Nothing in it was changed.'

/**
 * Tables of ours, with columns that they have in every version. Names alone are not sufficient:
 * other applications have tables with these names too.
 */
const OWN = {
  attempts: ['id', 'version', 'data'],
  sessions: ['id', 'person_id', 'data'],
} as const

/** `new`: no database yet. `ours`: has our mark. `unmarked`: has no mark. */
export type Identity = 'new' | 'ours' | 'unmarked'

/**
 * Reads from the first bytes of the file which application it belongs to. It does not use SQLite,
 * which would write to another application's file that was not closed properly. Call it before this
 * process opens the file: closing a file releases all locks that the process holds on it.
 * @throws StartError for a file that is no database, and for another application's database.
 */
export function identify(folder: string, path: string): Identity {
  let header: Buffer
  try {
    header = readHeader(path)
    if (header.length === 0) return requireNoLog(path)
  } catch (error) {
    if (error instanceof StartError) throw error
    throw folderError(folder, path, error)
  }
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw refuse(path, 'is not a SQLite database, or is damaged')
  }
  const mark = header.readUInt32BE(MARK_AT)
  if (mark === MARK) return 'ours'
  if (mark !== 0) throw refuse(path, `belongs to another application (application_id ${mark})`)
  return 'unmarked'
}

/**
 * Checks an unmarked file: files of our older versions have no mark, and are recognized by their
 * tables.
 * @throws StartError for a database with tables of which none is one of `OWN`, or one of `OWN`
 * lacks its columns. The file is not changed.
 */
export function requireOwnTables(path: string): void {
  // Immutable: SQLite does not apply the log, which would change the file.
  const db = openDatabase(`${pathToFileURL(path).href}?immutable=1`)
  try {
    checkTables(db, path)
  } finally {
    db.close()
  }
}

/** The same check on an open database, which includes its log. */
export function checkTables(db: SqliteFile, path: string): void {
  const query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
  const names = (db.prepare(query).all() as { name: string }[]).map(({ name }) => name)
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)')
  const has = ([table, wanted]: [string, readonly string[]]) => {
    const found = (columns.all(table) as { name: string }[]).map(({ name }) => name)
    return wanted.every((name) => found.includes(name))
  }
  const ours = Object.entries(OWN).filter(([table]) => names.includes(table))
  if (names.length === 0 || (ours.length > 0 && ours.every(has))) return
  throw refuse(path, `belongs to another application (it has the tables ${names.slice(0, 5).join(', ')})`)
}

/** Returns an empty buffer if the file does not exist or is empty. */
function readHeader(path: string): Buffer {
  if (find(path) === undefined) return Buffer.alloc(0)
  const file = openSync(path, 'r')
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    return header.subarray(0, readSync(file, header, 0, HEADER_BYTES, 0))
  } finally {
    closeSync(file)
  }
}

/** Refuses a new database beside the log of an older one, which SQLite would delete. */
function requireNoLog(path: string): 'new' {
  if ((find(`${path}-wal`)?.size ?? 0) === 0) return 'new'
  const advice = `Put a copy of ${path} back, or move ${path}-wal away and begin with no data.`
  throw new StartError('The database cannot be used:', [{ name: path, problem: 'is empty, but has a log' }], [advice])
}

function find(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function refuse(path: string, problem: string): StartError {
  return new StartError('The database cannot be used:', [{ name: path, problem }], [NOT_OURS])
}
