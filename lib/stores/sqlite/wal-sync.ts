import { closeSync, fdatasync, openSync } from 'node:fs'
import { DiskFailure } from './failure'

/** A sync that takes longer is a failure of the store. */
const TIMEOUT_MS = 800

/** Callers that share one sync. */
interface Group {
  result: Promise<void>
  resolve: () => void
  reject: (failure: DiskFailure) => void
}

/**
 * Syncs SQLite's write-ahead log to the disk without blocking the event loop. Callers share syncs.
 * This is sufficient with `synchronous = NORMAL`: a commit is appended to the log before its call
 * returns; a checkpoint syncs the log before it copies it to the database, and syncs the database
 * before the log restarts. So a commit is either in the log, which is synced here, or in the
 * database, which was synced. When SQLite creates the log it also syncs the folder.
 *
 * The log is opened a second time for this. SQLite holds no lock on it, so closing it releases no
 * lock.
 */
export class WalSync {
  readonly #file: number
  readonly #timeoutMs: number
  #isRunning = false
  #isClosed = false
  /** The callers of the next sync: the running one may have begun before their writes. */
  #next: Group | null = null
  /**
   * Set after a failed sync, for good: the kernel may drop what it could not write, and report
   * success the next time.
   */
  #failure: DiskFailure | null = null

  /** `path`: of the log, which must exist. */
  constructor(path: string, timeoutMs = TIMEOUT_MS) {
    this.#file = openSync(path, 'r+')
    this.#timeoutMs = timeoutMs
  }

  /**
   * Resolves when everything that was written before the call is on the disk.
   * @throws DiskFailure if the sync does not end within the timeout, and always after a sync has
   * failed: only a restart, which reads the log from the disk, shows what was written.
   */
  confirmDurable(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    this.#next ??= createGroup(this.#timeoutMs)
    const { result } = this.#next
    if (!this.#isRunning) this.#run(this.#next)
    return result
  }

  /** Later calls of `confirmDurable` fail. Pending calls end with the running sync, or fail. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#fail(new DiskFailure('io', 'the store is closed'))
    if (!this.#isRunning) closeSync(this.#file)
  }

  #run(group: Group): void {
    this.#next = null
    this.#isRunning = true
    fdatasync(this.#file, (error) => {
      this.#isRunning = false
      if (error !== null) this.#fail(toFailure(error))
      if (error === null) group.resolve()
      else group.reject(toFailure(error))
      if (this.#isClosed) closeSync(this.#file)
      else if (this.#next !== null) this.#run(this.#next)
    })
  }

  #fail(failure: DiskFailure): void {
    this.#failure ??= failure
    this.#next?.reject(failure)
    this.#next = null
  }
}

function createGroup(timeoutMs: number): Group {
  let succeed = () => {}
  let fail: (failure: DiskFailure) => void = () => {}
  const result = new Promise<void>((resolve, reject) => {
    succeed = resolve
    fail = reject
  })
  const onTimeout = () => fail(new DiskFailure('io', `the disk did not sync within ${timeoutMs} ms`))
  const timer = setTimeout(onTimeout, timeoutMs)
  const resolve = () => {
    clearTimeout(timer)
    succeed()
  }
  const reject = (failure: DiskFailure) => {
    clearTimeout(timer)
    fail(failure)
  }
  return { result, resolve, reject }
}

function toFailure(error: NodeJS.ErrnoException): DiskFailure {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  return new DiskFailure(isFull ? 'full' : 'io', 'the write-ahead log could not be synced', error)
}
