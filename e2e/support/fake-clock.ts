import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings } from './server'

const LIBRARY = 'faketime/libfaketimeMT.so.1'

/**
 * The machine's clock of one process, set from outside by libfaketime. Its monotonic clock stays
 * the machine's own.
 */
export class FakeClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'qr-login-clock-'))
  readonly #file = join(this.#folder, 'offset')

  constructor() {
    this.set(0)
  }

  /** What a server is to be started with. */
  get settings(): Settings {
    return {
      LD_PRELOAD: findLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** Sets the clock to the machine's own plus so many seconds. */
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

/** Debian has it under the name of the machine's architecture. */
function findLibrary(): string | null {
  if (!existsSync('/usr/lib')) return null
  const paths = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, LIBRARY))
  return paths.find((path) => existsSync(path)) ?? null
}
