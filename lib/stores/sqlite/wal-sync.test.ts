import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WalSync } from './wal-sync'

/** Starts the real sync of each pending call, so that tests decide when it runs. */
const begun = vi.hoisted(() => [] as (() => void)[])
vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>()
  const fdatasync = (file: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    begun.push(() => fs.fdatasync(file, done))
  }
  return { ...fs, fdatasync }
})

let folder: string
let path: string
let sync: WalSync
beforeEach(() => {
  begun.length = 0
  folder = mkdtempSync(join(tmpdir(), 'qr-login-sync-'))
  path = join(folder, 'qr-login.db-wal')
  writeFileSync(path, 'frames')
  sync = new WalSync(path, 300)
})
afterEach(() => {
  sync.close()
  rmSync(folder, { recursive: true })
})

/** Records the names of the promises that have settled, in order. */
function follow(results: Record<string, Promise<void>>): string[] {
  const settled: string[] = []
  for (const [name, result] of Object.entries(results)) {
    result.then(
      () => settled.push(name),
      (error: Error) => settled.push(`${name}: ${error.message}`),
    )
  }
  return settled
}

test('calls during a running sync share the next one', async () => {
  const settled = follow({ a: sync.confirmDurable(), b: sync.confirmDurable(), c: sync.confirmDurable() })
  expect(begun).toHaveLength(1)
  begun[0]?.()
  await vi.waitFor(() => expect(begun).toHaveLength(2))
  expect(settled).toEqual(['a'])
  const late = follow({ d: sync.confirmDurable() })
  begun[1]?.()
  await vi.waitFor(() => expect(begun).toHaveLength(3))
  expect([settled, late]).toEqual([['a', 'b', 'c'], []])
  begun[2]?.()
  await vi.waitFor(() => expect(late).toEqual(['d']))
})

test('a disk that hangs: calls fail within the timeout, and succeed when it continues', async () => {
  const settled = follow({ a: sync.confirmDurable(), b: sync.confirmDurable() })
  await vi.waitFor(() => expect(settled).toHaveLength(2))
  expect(settled).toEqual(['a', 'b'].map((name) => `${name}: the disk did not sync within 300 ms`))
  begun[0]?.()
  await vi.waitFor(() => expect(begun).toHaveLength(2))
  begun[1]?.()
  const later = follow({ c: sync.confirmDurable() })
  await vi.waitFor(() => expect(begun).toHaveLength(3))
  begun[2]?.()
  await vi.waitFor(() => expect(later).toEqual(['c']))
})

test('after close: pending calls end with the running sync or fail, and later calls fail', async () => {
  const settled = follow({ a: sync.confirmDurable(), b: sync.confirmDurable() })
  sync.close()
  begun[0]?.()
  await vi.waitFor(() => expect(settled.toSorted()).toEqual(['a', 'b: the store is closed']))
  await expect(sync.confirmDurable()).rejects.toThrow('the store is closed')
})
