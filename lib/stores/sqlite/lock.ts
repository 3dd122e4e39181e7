import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { folderError, StartError } from '../../core/start-error'
import { openDatabase, type SqliteFile } from './database'
import { sqliteFailureKind } from './failure'
import { toStartError } from './open'
import { OpenFiles } from './open-files'

/** A restart that overlaps with the end of the process before it. In ms. */
const WAIT_MS = 2_000

/** What the holder says about itself, for people. */
interface Holder {
  pid: number
  host: string
  /** ISO 8601. */
  since: string
}

/** A data folder that this process has. */
export interface FolderLock {
  /**
   * @throws DiskFailure `replaced` where the folder was deleted or replaced: another process could
   * get it now.
   */
  check: () => void
  release: () => void
}

/**
 * One process has a data folder at a time: changes are published within it only. A lock of SQLite,
 * which the kernel frees however the process ends; it is held until `release`.
 * `{folder}/qr-login.holder.json` names the holder.
 * @throws StartError while another process has it, or where the folder cannot be written.
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
    // Nothing else in this process may open this file: closing it would free the lock.
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
  const who = holder === null ? '' : `: process ${holder.pid} on ${holder.host}, since ${holder.since}`
  return new StartError(
    'Another qr-login uses the data folder:',
    [{ name: folder, problem: `in use${who}` }],
    ['End that process, or give this one a folder of its own (DATA_DIR), or share a Redis (REDIS_URL).'],
  )
}

/** Whole or not at all: a process that is refused reads it at any moment. */
function writeHolder(path: string, holder: Holder): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Null when it says nothing that can be read. */
function readHolder(path: string): Holder | null {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>
    return pid === undefined || host === undefined || since === undefined ? null : { pid, host, since }
  } catch {
    return null
  }
}
