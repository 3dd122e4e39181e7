import Database from 'libsql'
import { DiskFailure } from './failure'

export type SqliteFile = Database.Database

/**
 * Opens a database. No other file imports libsql. `path`: a path, or a `file:` URI.
 * @throws DiskFailure if the file cannot be opened: libsql's own error has no code.
 */
export function openDatabase(path: string): SqliteFile {
  // A new database is readable by its owner only; SQLite gives its log the same permissions.
  const umask = process.umask(0o077)
  try {
    return new Database(path)
  } catch (error) {
    throw new DiskFailure('io', `cannot open ${path}`, error)
  } finally {
    process.umask(umask)
  }
}
