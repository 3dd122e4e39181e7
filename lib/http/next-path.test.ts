import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNextPath } from './next-path'

describe('where to go next', () => {
  const next = (path: unknown) => parseNextPath(path, 'https://login.example.com')

  test('a path of our own is kept whole', () => {
    expect(next('/settings?tab=1#top')).toBe('/settings?tab=1#top')
  })

  test.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\\\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'evil.example',
    '',
    ' //evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/x/..//evil.example',
    '/%2e//evil.example',
    '/login',
    '/login?next=/login',
    'http://login.example.com/x',
  ])('%j leads home', (path) => {
    expect(next(path)).toBe('/')
  })

  test('a repeated or missing one leads home', () => {
    expect([next(undefined), next(['/a', '/b'])]).toEqual(['/', '/'])
  })

  test('whatever is given, a browser stays with us', () => {
    const parts = fc.constantFrom('/', '\\', '.', '..', ':', '@', 'evil.example', '%2f', '\t', '?', '#', 'x')
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (pieces) => {
        const target = next(pieces.join(''))
        expect(new URL(target, 'https://login.example.com').origin).toBe('https://login.example.com')
        expect(target.startsWith('//')).toBe(false)
      }),
      { numRuns: 5_000 },
    )
  })
})
