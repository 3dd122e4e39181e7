import type { SqliteFile } from './database'
import { DiskFailure } from './failure'

/** The databases that are within `write`. */
const writing = new WeakSet<SqliteFile>()

/**
 * Runs `work` in a transaction that takes the write lock at its start, or as part of the current
 * transaction. Errors of `work` and of the commit are thrown, and nothing is written then.
 *
 * Every write uses it, single statements too: after a statement has failed as busy, libsql leaves
 * it in progress, and no later transaction can be committed. Here `BEGIN` fails instead.
 */
export function write<T>(db: SqliteFile, work: () => T): T {
  if (writing.has(db)) return work()
  // libsql ends the process when a property of a closed database is read.
  if (!db.open) throw new DiskFailure('io', 'the store is closed')
  // Still open if its rollback has failed.
  if (db.inTransaction) db.exec('ROLLBACK')
  db.exec('BEGIN IMMEDIATE')
  writing.add(db)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(db)
    throw error
  } finally {
    writing.delete(db)
  }
}

/** Does nothing if SQLite has rolled back itself, as after a full disk or an I/O error. */
function rollBack(db: SqliteFile): void {
  if (!db.inTransaction) return
  try {
    db.exec('ROLLBACK')
  } catch {
    // The first error is reported. The next write rolls back again.
  }
}
