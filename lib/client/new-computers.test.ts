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

function createMemory() {
  const values = new Map<string, string>()
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
  }
}

const idsOf = (sessions: SessionView[]) => sessions.map(({ id }) => id)

test('what is there at the first sight of an account is no news; what comes later is, until it is answered for', () => {
  const computers = new NewComputers(null, 'ada')
  expect(computers.update([session('a')])).toEqual([])
  expect(idsOf(computers.update([session('a'), session('b')]))).toEqual(['b'])
  expect(idsOf(computers.update([session('a'), session('b')]))).toEqual(['b'])
  computers.dismiss('b')
  expect(computers.update([session('a'), session('b')])).toEqual([])
})

test('a sign-in while the page was closed is told at the next visit', () => {
  const memory = createMemory()
  new NewComputers(memory, 'ada').update([session('a')])
  expect(idsOf(new NewComputers(memory, 'ada').update([session('a'), session('b')]))).toEqual(['b'])
  expect(idsOf(new NewComputers(memory, 'ada').update([session('a'), session('b')]))).toEqual(['b'])
})

test('a computer that has gone is forgotten, and its notice with it', () => {
  const memory = createMemory()
  const computers = new NewComputers(memory, 'ada')
  computers.update([session('a')])
  computers.update([session('a'), session('b')])
  expect(computers.update([])).toEqual([])
  expect([...memory.values.values()]).toEqual(['[]'])
})

test('the computer that asks is no news to itself', () => {
  const computers = new NewComputers(null, 'ada')
  computers.update([])
  expect(computers.update([session('me', true)])).toEqual([])
})

test('each person has their own; a memory that is broken or full is as good as none', () => {
  const memory = createMemory()
  new NewComputers(memory, 'ada').update([session('a')])
  expect(new NewComputers(memory, 'lin').update([session('b')])).toEqual([])
  memory.values.set('qr_known_computers:ada', '{"not": "a list"}')
  expect(new NewComputers(memory, 'ada').update([session('z')])).toEqual([])
  const full = {
    getItem: () => 'broken',
    setItem: () => {
      throw new Error('full')
    },
  }
  const computers = new NewComputers(full, 'ada')
  expect(computers.update([session('a')])).toEqual([])
  expect(idsOf(computers.update([session('a'), session('b')]))).toEqual(['b'])
})
