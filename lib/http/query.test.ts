import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../core/errors'
import { parseCount, parseWord } from './query'

function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

describe('the query', () => {
  test('numbers are non-negative integers, and not repeated', () => {
    const query = new URLSearchParams('after=3&bad=-1&twice=1&twice=2&empty=')
    expect([parseCount(query, 'after'), parseCount(query, 'missing')]).toEqual([3, null])
    for (const name of ['bad', 'twice', 'empty']) expect(codeOf(() => parseCount(query, name))).toBe('bad_request')
  })

  test('words are from the allowed list', () => {
    const query = new URLSearchParams('as=phone&bad=x')
    expect(parseWord(query, 'as', ['phone', 'computer'])).toBe('phone')
    expect(codeOf(() => parseWord(query, 'bad', ['phone', 'computer']))).toBe('bad_request')
  })
})
