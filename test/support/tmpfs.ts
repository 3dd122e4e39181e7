import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * File systems of a given size, for tests of full and read-only disks. Mounting takes a privileged
 * user on Linux.
 */
interface Tmpfs {
  /** Why there is none here; null when there is. With `CI` set that is a failure of the tests. */
  reason: string | null
  /** For the titles of tests that need one. */
  title: string
  /** Over an empty folder, hiding what is in it. */
  mount: (folder: string, options: string) => void
  unmountAll: () => void
}

export function mountTmpfs(): Tmpfs {
  const reason = tryOut()
  const mounted: string[] = []
  if (reason !== null && process.env.CI) throw new Error(`tests of full disks need to mount: ${reason}`)
  return {
    reason,
    title: reason === null ? '' : ` (skipped: no tmpfs can be mounted here: ${reason})`,
    mount: (folder, options) => {
      mount(folder, options)
      mounted.push(folder)
    },
    // Databases that were closed may be open until their statements are collected: hence `-l`.
    unmountAll: () => {
      for (const folder of mounted.splice(0)) run('umount', ['-l', folder])
    },
  }
}

function mount(folder: string, options: string): void {
  run('mount', ['-t', 'tmpfs', '-o', options, 'qr-login-test', folder])
}

function tryOut(): string | null {
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
