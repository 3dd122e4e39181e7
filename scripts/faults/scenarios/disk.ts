// The disk of the embedded store is full for a while.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from '../stage'

const DISK_BYTES = 24 * 1024 * 1024
/** The large one first, the small one for the rest. */
const CHUNKS = [Buffer.alloc(1024 * 1024), Buffer.alloc(4096)]
const ROUNDS = 4
const FULL_MS = 6_000
const FREE_MS = 4_000

export async function disk(stage: Stage): Promise<void> {
  const folder = stage.smallDisk(DISK_BYTES)
  await stage.start({ DATA_DIR: folder })
  const traffic = stage.traffic()
  traffic.begin()
  await pause(1_500)
  for (let round = 0; round < stage.share(ROUNDS, 1); round += 1) {
    await stage.fault('full disk', {}, async () => {
      const until = performance.now() + stage.share(FULL_MS, 2_500)
      const path = join(folder, 'filler')
      const file = openSync(path, 'w')
      while (performance.now() < until) {
        // Repeatedly: the store frees space.
        fill(file)
        await pause(50)
      }
      closeSync(file)
      rmSync(path)
    })
    await pause(FREE_MS)
  }
  await stage.settle(traffic)
}

function fill(file: number): void {
  for (const chunk of CHUNKS) {
    try {
      while (writeSync(file, chunk) === chunk.length);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}
