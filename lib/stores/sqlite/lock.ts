import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { folderError, StartError } from '../../core/start-error'
import { openDatabase, type SqliteFile } from './database'
import { sqliteFailureKind } from './failure'
import { toStartError } from './open'
import { OpenFiles } from './open-files'

/** How long a start waits for the lock: a restart may overlap with the end of the old process. */
const WAIT_MS = 2_000

/** What the process that holds the lock writes about itself, for the operator. */
interface Holder {
  pid: number
  host: string
  /** ISO 8601. */
  since: string
}

/** The lock that this process holds on a data folder. */
export interface FolderLock {
  /**
   * @throws DiskFailure `replaced` if the folder was deleted or replaced: another process could
   * lock it now.
   */
  check: () => void
  release: () => void
}

/**
 * Locks a data folder for this process until `release`: only one process may use it, because
 * changes are published within the process only. It is a lock of SQLite, which the kernel releases
 * however the process ends. `{folder}/qr-login.holder.json` names the holder.
 * @throws StartError if another process holds the lock, or the folder cannot be written.
 */
export function lockFolder(folder: string, since: Date): FolderLock {
  const path = join(folder, 'qr-login.lock')
  const holderPath = join(folder, 'qr-login.holder.json')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw folderError(folder, folder, error)
  }
  let lock: SqliteFile | undefined
  try {
    lock = openDatabase(path)
    // No other code of this process may open this file: closing it would release the lock.
    lock.exec(`PRAGMA busy_timeout = ${WAIT_MS}; BEGIN EXCLUSIVE`)
  } catch (error) {
    lock?.close()
    throw sqliteFailureKind(error) === 'busy' ? heldError(folder, readHolder(holderPath)) : toStartError(path, error)
  }
  try {
    writeHolder(holderPath, { pid: process.pid, host: hostname(), since: since.toISOString() })
  } catch (error) {
    lock.close()
    throw folderError(folder, holderPath, error)
  }
  const held = lock
  const files = new OpenFiles([path])
  const release = () => {
    if (held.open) held.close()
  }
  return { check: () => files.check(), release }
}

function heldError(folder: string, holder: Holder | null): StartError {
  const details = holder === null ? '' : `: process ${holder.pid} on ${holder.host}, since ${holder.since}`
  return new StartError(
    'Another qr-login uses the data folder:',
    [{ name: folder, problem: `in use${details}` }],
    ['End that process, or give this one a folder of its own (DATA_DIR), or share a Redis (REDIS_URL).'],
  )
}

/** Replaces the file atomically, because another process may read it at any time. */
function writeHolder(path: string, holder: Holder): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Null if the file cannot be read or parsed. */
function readHolder(path: string): Holder | null {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>
    return pid === undefined || host === undefined || since === undefined ? null : { pid, host, since }
  } catch {
    return null
  }
}
