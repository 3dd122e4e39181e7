import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forgetPerson, getLastPerson, rememberPerson, subscribeToLastPerson } from './last-person'

const LIN = { name: 'Lin Xia', avatarUrl: '/avatars/lin.svg' }

let stored: Map<string, string>

beforeEach(() => {
  stored = new Map()
  vi.stubGlobal('window', new EventTarget())
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  })
})
afterEach(() => vi.unstubAllGlobals())

test('name and picture of the last person are stored, and nothing else', () => {
  expect(getLastPerson()).toBeNull()
  rememberPerson({ ...LIN, email: 'lin@example.com' } as never)
  expect(getLastPerson()).toEqual(LIN)
  expect([...stored.values()]).toEqual([JSON.stringify(LIN)])
})

test('reading twice gives the same object, so that nothing is rendered anew', () => {
  rememberPerson(LIN)
  expect(getLastPerson()).toBe(getLastPerson())
})

test('a person who is forgotten leaves nothing, and listeners are notified', () => {
  const listener = vi.fn()
  const unsubscribe = subscribeToLastPerson(listener)
  rememberPerson(LIN)
  forgetPerson()
  expect([getLastPerson(), stored.size, listener.mock.calls.length]).toEqual([null, 0, 2])
  unsubscribe()
  rememberPerson(LIN)
  expect(listener).toHaveBeenCalledTimes(2)
})

test.each(['', 'null', '[]', '{"name":42}', '{"name":""}', '<script>'])('%j in the storage is no person', (text) => {
  stored.set('qr-login.last-person', text)
  expect(getLastPerson()).toBeNull()
})

test('a browser that refuses its storage has no last person, and nothing fails', () => {
  vi.stubGlobal('localStorage', {
    getItem: () => {
      throw new Error('SecurityError')
    },
    setItem: () => {
      throw new Error('QuotaExceededError')
    },
  })
  rememberPerson(LIN)
  expect(getLastPerson()).toBeNull()
})
