import { expect, test } from 'vitest'
import { COMMENT, encodeEvent } from './encode'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('an event is one frame with its data on one line', () => {
  const frame = text(encodeEvent({ event: 'attempt', id: 3, data: { name: 'a\nb\r\nc' } }))
  expect(frame).toBe('event: attempt\nid: 3\ndata: {"name":"a\\nb\\r\\nc"}\n\n')
})

test('an event without an id leaves the reader its last one', () => {
  expect(text(encodeEvent({ event: 'code', data: 1 }))).toBe('event: code\ndata: 1\n\n')
})

test('a name or an id cannot forge a second event', () => {
  for (const bad of ['a\nb', 'a\rb', 'a\0b']) {
    expect(() => encodeEvent({ event: bad, data: 1 })).toThrow(RangeError)
    expect(() => encodeEvent({ event: 'a', id: bad, data: 1 })).toThrow(RangeError)
  }
})

test('a comment is no event', () => {
  expect(text(COMMENT)).toBe(':\n\n')
})
