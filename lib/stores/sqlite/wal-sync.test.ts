import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WalSync } from './wal-sync'

/** Syncs that have begun and not ended: the real one, but for when it is asked. */
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

/** The names of what has settled, in order. */
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

test('callers that come while a sync is under way share the one after it', async () => {
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

test('a disk that hangs is a failure within the deadline, and well again when it answers', async () => {
  const settled = follow({ a: sync.confirmDurable(), b: sync.confirmDurable() })
  await vi.waitFor(() => expect(settled).toHaveLength(2))
  expect(settled).toEqual(['a', 'b'].map((name) => `${name}: the disk did not answer within 300 ms`))
  begun[0]?.()
  await vi.waitFor(() => expect(begun).toHaveLength(2))
  begun[1]?.()
  const later = follow({ c: sync.confirmDurable() })
  await vi.waitFor(() => expect(begun).toHaveLength(3))
  begun[2]?.()
  await vi.waitFor(() => expect(later).toEqual(['c']))
})

test('after the store is closed nothing settles, and what is under way ends', async () => {
  const settled = follow({ a: sync.confirmDurable(), b: sync.confirmDurable() })
  sync.close()
  begun[0]?.()
  await vi.waitFor(() => expect(settled.toSorted()).toEqual(['a', 'b: the store is closed']))
  await expect(sync.confirmDurable()).rejects.toThrow('the store is closed')
})
