/**
 * Why the database failed:
 * - `busy`: another process holds the lock
 * - `full`: the disk is full
 * - `read_only`: the file cannot be written
 * - `corrupt`: the file is damaged
 * - `io`: the file cannot be opened or read, or the disk failed
 * - `replaced`: the file was deleted or replaced while it was open
 * - `other`: anything else
 */
export type SqliteFailureKind = 'busy' | 'full' | 'read_only' | 'corrupt' | 'io' | 'replaced' | 'other'

/** A failure that SQLite does not report: of a sync, of opening, or of the files themselves. */
export class DiskFailure extends Error {
  readonly kind: SqliteFailureKind

  constructor(kind: SqliteFailureKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DiskFailure'
    this.kind = kind
  }
}

/**
 * By the first word of SQLite's result code, so that extended codes (`SQLITE_IOERR_WRITE`) match.
 */
const KINDS: Record<string, SqliteFailureKind> = {
  BUSY: 'busy',
  LOCKED: 'busy',
  PROTOCOL: 'busy',
  FULL: 'full',
  READONLY: 'read_only',
  PERM: 'read_only',
  AUTH: 'read_only',
  CORRUPT: 'corrupt',
  NOTADB: 'corrupt',
  FORMAT: 'corrupt',
  IOERR: 'io',
  CANTOPEN: 'io',
  NOLFS: 'io',
  NOMEM: 'io',
}

/** Result codes that only bugs of ours cause. */
const BUGS = new Set(['CONSTRAINT', 'MISUSE', 'RANGE', 'MISMATCH', 'TOOBIG'])

/** The kind of failure; null for any other error, such as a bug of ours. */
export function sqliteFailureKind(error: unknown): SqliteFailureKind | null {
  if (error instanceof DiskFailure) return error.kind
  if (!(error instanceof Error && 'code' in error)) return null
  const word = /^SQLITE_([A-Z]+)/.exec(String(error.code))?.[1]
  if (word === undefined || BUGS.has(word)) return null
  return KINDS[word] ?? 'other'
}
