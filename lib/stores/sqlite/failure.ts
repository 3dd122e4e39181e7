/**
 * What kept SQLite from its part: another process holds the lock, the disk is full, the file cannot
 * be written, is damaged, cannot be read, or is no longer where it was opened.
 */
export type SqliteFailureKind = 'busy' | 'full' | 'read_only' | 'corrupt' | 'io' | 'replaced' | 'other'

/** The disk failed beside SQLite: a sync, or the files themselves. */
export class DiskFailure extends Error {
  readonly kind: SqliteFailureKind

  constructor(kind: SqliteFailureKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DiskFailure'
    this.kind = kind
  }
}

/** By the first word of SQLite's result code, extended codes (`SQLITE_IOERR_WRITE`) included. */
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

/** Result codes that only a mistake of ours leads to. */
const MISTAKES = new Set(['CONSTRAINT', 'MISUSE', 'RANGE', 'MISMATCH', 'TOOBIG'])

/** Null for an error that is not the file's: a mistake of ours, or something else altogether. */
export function sqliteFailureKind(error: unknown): SqliteFailureKind | null {
  if (error instanceof DiskFailure) return error.kind
  if (!(error instanceof Error && 'code' in error)) return null
  const word = /^SQLITE_([A-Z]+)/.exec(String(error.code))?.[1]
  if (word === undefined || MISTAKES.has(word)) return null
  return KINDS[word] ?? 'other'
}
