import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ForeignProcess } from '../../../test/support/foreign-process'
import { StartError } from '../../core/start-error'
import { lockFolder } from './lock'

const SINCE = new Date('2026-11-27T10:00:00Z')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function refusal(): string {
  try {
    lockFolder(folder, SINCE).release()
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
  return 'locked'
}

const lockAsOther = () => ForeignProcess.run(join(folder, 'qr-login.lock'), 'BEGIN EXCLUSIVE')

test('a folder that another process holds is refused, with the holder and advice', async () => {
  const other = await lockAsOther()
  const holder = { pid: other.pid, host: 'web-1', since: SINCE.toISOString() }
  writeFileSync(join(folder, 'qr-login.holder.json'), JSON.stringify(holder))
  expect(refusal()).toBe(
    [
      'qr-login cannot start. Another qr-login uses the data folder:',
      `  ${folder}  in use: process ${other.pid} on web-1, since 2026-11-27T10:00:00.000Z`,
      'End that process, or give this one a folder of its own (DATA_DIR), or share a Redis (REDIS_URL).',
    ].join('\n'),
  )
  await other.end()
})

test('an unreadable holder file is omitted from the message', async () => {
  const other = await lockAsOther()
  writeFileSync(join(folder, 'qr-login.holder.json'), 'not JSON')
  expect(refusal()).toMatch(/ in use$/m)
  await other.end()
})

test('a killed process holds no lock', async () => {
  const other = await lockAsOther()
  await other.end('SIGKILL')
  expect(refusal()).toBe('locked')
})

test('no other process gets the lock before the release; the next one gets it after', async () => {
  const { release } = lockFolder(folder, SINCE)
  const { pid, host, since } = JSON.parse(readFileSync(join(folder, 'qr-login.holder.json'), 'utf8'))
  expect({ pid, host, since }).toEqual({ pid: process.pid, host: hostname(), since: SINCE.toISOString() })
  await expect(lockAsOther()).rejects.toThrow('SQLITE_BUSY')
  release()
  release()
  await (await lockAsOther()).end()
})

test('a lock whose file was deleted or replaced fails its check', () => {
  const lock = lockFolder(folder, SINCE)
  lock.check()
  rmSync(join(folder, 'qr-login.lock'))
  expect(() => lock.check()).toThrow('was deleted while it was open')
  const next = lockFolder(folder, SINCE)
  expect(() => lock.check()).toThrow('was replaced while it was open')
  for (const each of [lock, next]) each.release()
})

test('another kind of file in place of the lock is refused and not changed', () => {
  const path = join(folder, 'qr-login.lock')
  writeFileSync(path, 'mine'.repeat(1_000))
  expect(refusal()).toMatch(/qr-login\.lock {2}is damaged/)
  expect(readFileSync(path, 'utf8')).toBe('mine'.repeat(1_000))
})
