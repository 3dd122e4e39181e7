import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { folderError, StartError } from '../../core/start-error'
import { openDatabase, type SqliteFile } from './database'

/**
 * `application_id` of our files: "qrlg". SQLite keeps it for this purpose
 * (https://sqlite.org/fileformat2.html, 1.3.17).
 */
export const MARK = 0x71_72_6c_67

const HEADER_BYTES = 100
const MAGIC = 'SQLite format 3\0'
const MARK_AT = 68

const NOT_OURS = 'Move the file away, or name another folder in DATA_DIR. Nothing in it was changed.'

/**
 * Tables of ours with columns that they have in every version: other applications have tables of
 * these names too.
 */
const OWN = {
  attempts: ['id', 'version', 'data'],
  sessions: ['id', 'person_id', 'data'],
} as const

/**
 * Whether there is no database yet, one that says that it is ours, or one that does not say whose
 * it is.
 */
export type Identity = 'new' | 'ours' | 'unmarked'

/**
 * Whose file it is, from its first bytes: SQLite itself would write where another application's
 * file was not closed well. To be asked before this process has the file open: closing a file frees
 * its locks in this process.
 * @throws StartError for what is not a database, and for the database of another application.
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
 * Files of our older versions carry no mark: they are known by their tables.
 * @throws StartError for a database that has tables, and none of `OWN` with its columns. Not a byte
 * of it was changed.
 */
export function requireOwnTables(path: string): void {
  // As it lies there: without its log, which SQLite would write into it.
  const db = openDatabase(`${pathToFileURL(path).href}?immutable=1`)
  try {
    checkTables(db, path)
  } finally {
    db.close()
  }
}

/** The same on an open database, with what is in its log. */
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

/** An empty buffer where there is no file, or an empty one. */
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

/** A new database. SQLite would throw the log of an older one away. */
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
