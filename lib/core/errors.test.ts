import { expect, test, vi } from 'vitest'
import { isProtocolError, ProtocolError } from './errors'

test('isProtocolError recognizes an error of another copy of the module', async () => {
  vi.resetModules()
  const copy = await import('./errors')
  const foreign = new copy.ProtocolError('not_found')
  expect(foreign).not.toBeInstanceOf(ProtocolError)
  expect(isProtocolError(foreign)).toBe(true)
  expect(isProtocolError(new Error('not_found'))).toBe(false)
  expect(isProtocolError({ code: 'not_found' })).toBe(false)
})
