import Database from 'libsql'
import { DiskFailure } from './failure'

export type SqliteFile = Database.Database

/**
 * Opens a database as it is, and is the only door to libsql. `path`: a path, or a `file:` URI.
 * @throws DiskFailure where the file cannot be opened: libsql's own error has no code.
 */
export function openDatabase(path: string): SqliteFile {
  // SQLite gives its log the permissions of the database.
  const umask = process.umask(0o077)
  try {
    return new Database(path)
  } catch (error) {
    throw new DiskFailure('io', `cannot open ${path}`, error)
  } finally {
    process.umask(umask)
  }
}
