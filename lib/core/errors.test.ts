import { expect, test, vi } from 'vitest'
import { isProtocolError, ProtocolError } from './errors'

test('a refusal is known as one even when another copy of the module made it', async () => {
  vi.resetModules()
  const copy = await import('./errors')
  const foreign = new copy.ProtocolError('not_found')
  expect(foreign).not.toBeInstanceOf(ProtocolError)
  expect(isProtocolError(foreign)).toBe(true)
  expect(isProtocolError(new Error('not_found'))).toBe(false)
  expect(isProtocolError({ code: 'not_found' })).toBe(false)
})
