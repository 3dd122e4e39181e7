import { expect, test } from 'vitest'
import type { SessionView } from '../session/session'
import { NewComputers } from './new-computers'

const session = (id: string, current = false): SessionView => ({
  id,
  browser: 'Chrome',
  os: 'Windows',
  place: null,
  signedInAt: '2026-01-01T00:00:00.000Z',
  lastSeenAt: '2026-01-01T00:00:00.000Z',
  current,
  method: 'qr',
})

const idsOf = (sessions: SessionView[]) => sessions.map(({ id }) => id)

test('what is there at first is no news; what comes later is, until it is answered for', () => {
  const computers = new NewComputers()
  expect(computers.update([session('a')])).toEqual([])
  expect(idsOf(computers.update([session('a'), session('b')]))).toEqual(['b'])
  expect(idsOf(computers.update([session('a'), session('b')]))).toEqual(['b'])
  computers.dismiss('b')
  expect(computers.update([session('a'), session('b')])).toEqual([])
})

test('a computer that has gone takes its notice with it', () => {
  const computers = new NewComputers()
  computers.update([])
  expect(idsOf(computers.update([session('a'), session('b')]))).toEqual(['a', 'b'])
  expect(idsOf(computers.update([session('b')]))).toEqual(['b'])
  expect(computers.update([])).toEqual([])
})

test('the computer that asks is no news to itself', () => {
  const computers = new NewComputers()
  computers.update([])
  expect(computers.update([session('me', true)])).toEqual([])
})
