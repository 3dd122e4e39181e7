import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Small file systems for tests of full and read-only disks. Needs a privileged user on Linux. */
interface Tmpfs {
  /** Why mounting is not possible; null if it is. With `CI` set, `mountTmpfs` throws instead. */
  reason: string | null
  /** Suffix for the titles of tests that need a mount. */
  title: string
  /** Mounts over a folder, which hides its content. */
  mount: (folder: string, options: string) => void
  unmountAll: () => void
}

export function mountTmpfs(): Tmpfs {
  const reason = findObstacle()
  const mounted: string[] = []
  if (reason !== null && process.env.CI) throw new Error(`tests of full disks need to mount: ${reason}`)
  return {
    reason,
    title: reason === null ? '' : ` (skipped: cannot mount a tmpfs: ${reason})`,
    mount: (folder, options) => {
      mount(folder, options)
      mounted.push(folder)
    },
    // `-l`, because a closed database stays open until its statements are garbage-collected.
    unmountAll: () => {
      for (const folder of mounted.splice(0)) run('umount', ['-l', folder])
    },
  }
}

function mount(folder: string, options: string): void {
  run('mount', ['-t', 'tmpfs', '-o', options, 'qr-login-test', folder])
}

function findObstacle(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-mount-'))
  try {
    mount(folder, 'size=64k')
    run('umount', [folder])
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    rmdirSync(folder)
  }
}

function run(command: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(stderr.trim())
}
