import { closeSync, fdatasync, openSync } from 'node:fs'
import { DiskFailure } from './failure'

/** A disk that takes longer than this is a store that fails. */
const DEADLINE_MS = 800

/** Callers that share one sync. */
interface Group {
  result: Promise<void>
  resolve: () => void
  reject: (failure: DiskFailure) => void
}

/**
 * Puts on the disk what SQLite has written to its write-ahead log, without blocking the event loop;
 * callers share syncs. Sufficient with `synchronous = NORMAL`: a commit is appended to the log
 * before its call returns, and a checkpoint syncs the log before it copies it into the database,
 * and the database before the log begins anew. So a commit is in the log that is synced here, or in
 * a database that was synced. When SQLite makes the log it syncs the folder too.
 *
 * The log is opened once more for this. SQLite locks nothing in it, so that closing it frees no
 * lock.
 */
export class WalSync {
  readonly #file: number
  readonly #deadlineMs: number
  #isRunning = false
  #isClosed = false
  /** Served by the sync after the one under way, which may have begun before the last writes. */
  #next: Group | null = null
  /**
   * Once a sync has failed the kernel may forget what it could not write, and report success the
   * next time.
   */
  #failure: DiskFailure | null = null

  /** `path`: of the log, which has to be there. */
  constructor(path: string, deadlineMs = DEADLINE_MS) {
    this.#file = openSync(path, 'r+')
    this.#deadlineMs = deadlineMs
  }

  /**
   * Resolves when all that was written before the call is on the disk.
   * @throws DiskFailure when that is not certain within the deadline, and always after a sync has
   * failed: only a restart, which reads the log from the disk, shows what is there.
   */
  confirmDurable(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    this.#next ??= createGroup(this.#deadlineMs)
    const { result } = this.#next
    if (!this.#isRunning) this.#run(this.#next)
    return result
  }

  /** Later calls of `confirmDurable` fail. Callers that wait are served by the sync under way, or fail. */
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

function createGroup(deadlineMs: number): Group {
  let settled = () => {}
  let failed: (failure: DiskFailure) => void = () => {}
  const result = new Promise<void>((resolve, reject) => {
    settled = resolve
    failed = reject
  })
  const late = () => failed(new DiskFailure('io', `the disk did not answer within ${deadlineMs} ms`))
  const timer = setTimeout(late, deadlineMs)
  const resolve = () => {
    clearTimeout(timer)
    settled()
  }
  const reject = (failure: DiskFailure) => {
    clearTimeout(timer)
    failed(failure)
  }
  return { result, resolve, reject }
}

function toFailure(error: NodeJS.ErrnoException): DiskFailure {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  return new DiskFailure(isFull ? 'full' : 'io', 'the write-ahead log could not be synced', error)
}
