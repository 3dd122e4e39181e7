import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'

export type SqliteFile = Database.Database

/**
 * Opens or creates `{folder}/{name}` with `schema` in it, and is the only door to libsql. Synchronous inside, durable across the end of
 * the process. Readable by this user alone.
 */
export function openSqlite(folder: string, name: string, schema: string): SqliteFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const db = new Database(join(folder, name))
  // A second process on the same file (a restart that overlaps) waits for the lock rather than failing.
  db.exec('PRAGMA busy_timeout = 400; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  db.exec(schema)
  return db
}

/** Whether the file itself failed (locked, full, unreadable), as opposed to a mistake of ours. */
export function isSqliteFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_')
}
