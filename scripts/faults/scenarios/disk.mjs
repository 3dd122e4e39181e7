// The disk of the embedded store is full for a while.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pause } from '../stage.mjs'

const DISK_BYTES = 24 * 1024 * 1024
/** First by the large, for what is left by the small. */
const CHUNKS = [Buffer.alloc(1024 * 1024), Buffer.alloc(4096)]
const ROUNDS = 4
const FULL_MS = 6_000
const FREE_MS = 4_000

/** @param {import('../stage.mjs').Stage} stage */
export async function disk(stage) {
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
        // Again and again: what the store gives back is taken from it.
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

/** @param {number} file */
function fill(file) {
  for (const chunk of CHUNKS) {
    try {
      while (writeSync(file, chunk) === chunk.length);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}
