import { statSync } from 'node:fs'
import { DiskFailure } from './failure'

/**
 * The files of an open database: what is written to one that was deleted or replaced is gone with
 * the process.
 */
export class OpenFiles {
  readonly #inodes: ReadonlyMap<string, number>

  /** `paths`: of files that are there, and open. */
  constructor(paths: readonly string[]) {
    this.#inodes = new Map(paths.map((path) => [path, statSync(path).ino]))
  }

  /**
   * @throws DiskFailure `replaced` where one of them is no longer at its path. Takes some
   * microseconds.
   */
  check(): void {
    for (const [path, inode] of this.#inodes) {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found === undefined) throw new DiskFailure('replaced', `${path} was deleted while it was open: restart`)
      if (found.ino !== inode) throw new DiskFailure('replaced', `${path} was replaced while it was open: restart`)
    }
  }
}
