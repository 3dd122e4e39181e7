import { statSync } from 'node:fs'
import { DiskFailure } from './failure'

/**
 * The files of an open database. If one is deleted or replaced, later writes go to the old file and
 * are lost when the process ends.
 */
export class OpenFiles {
  readonly #inodes: ReadonlyMap<string, number>

  /** `paths`: files that exist and are open. */
  constructor(paths: readonly string[]) {
    this.#inodes = new Map(paths.map((path) => [path, statSync(path).ino]))
  }

  /**
   * Takes some microseconds.
   * @throws DiskFailure `replaced` if a file is no longer at its path.
   */
  check(): void {
    for (const [path, inode] of this.#inodes) {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found === undefined) throw new DiskFailure('replaced', `${path} was deleted while it was open: restart`)
      if (found.ino !== inode) throw new DiskFailure('replaced', `${path} was replaced while it was open: restart`)
    }
  }
}
