import type { SqliteFile } from './database'

/** Databases within `write`. */
const writing = new WeakSet<SqliteFile>()

/**
 * Runs `work` in a transaction that locks at its beginning, or as a part of the one under way. What
 * `work` throws is thrown, with nothing written; so is the error of a failing commit.
 *
 * Every write belongs in one, single statements too: libsql leaves a statement that fails as busy
 * in progress, and no transaction could be committed after it. Here it is the beginning that fails.
 */
export function write<T>(db: SqliteFile, work: () => T): T {
  if (writing.has(db)) return work()
  // Left open where its rollback failed.
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

/**
 * SQLite ends a transaction by itself on a full disk and on errors of the disk: there is none to
 * roll back then.
 */
function rollBack(db: SqliteFile): void {
  if (!db.inTransaction) return
  try {
    db.exec('ROLLBACK')
  } catch {
    // The error that led here says why. The next write tries again.
  }
}
