import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings } from './server'

const LIBRARY = 'faketime/libfaketimeMT.so.1'

/** Sets the wall clock of one process with libfaketime. Its monotonic clock is not affected. */
export class FakeClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'qr-login-clock-'))
  readonly #file = join(this.#folder, 'offset')

  constructor() {
    this.set(0)
  }

  /** Environment variables for the process. */
  get settings(): Settings {
    return {
      LD_PRELOAD: findLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** `offsetS`: seconds relative to the machine's clock. */
  set(offsetS: number): void {
    writeFileSync(this.#file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`)
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true })
  }
}

/** Whether libfaketime is installed. */
export function hasFakeClock(): boolean {
  return findLibrary() !== null
}

/** On Debian the path contains the name of the architecture. */
function findLibrary(): string | null {
  if (!existsSync('/usr/lib')) return null
  const paths = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, LIBRARY))
  return paths.find((path) => existsSync(path)) ?? null
}
