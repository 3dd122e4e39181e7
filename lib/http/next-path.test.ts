import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNextPath } from './next-path'

describe('the parameter `next`', () => {
  const next = (path: unknown) => parseNextPath(path, 'https://login.example.com')

  test('our own path is kept with its query and fragment', () => {
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
    'https:evil.example',
    'https:/evil.example',
    'https:\\\\evil.example',
    'HTTPS://EVIL.EXAMPLE',
    '////evil.example//',
    '/////evil.example',
    '/\\/evil.example',
    '/\\\\evil.example',
    '\\/evil.example',
    '\t//evil.example',
    '\r\n//evil.example',
    '\u0000//evil.example',
    '/\r/evil.example',
    '/\t\\evil.example',
    '/%09/../..//evil.example',
    '/./\\evil.example',
    '/.\\/evil.example',
    '/..\\evil.example\\..\\..//evil.example',
    '@evil.example',
    'login.example.com@evil.example',
    'https://login.example.com@evil.example',
    'https://login.example.com.evil.example',
    'https://login.example.com\\@evil.example',
    'blob:https://evil.example/x',
    'vbscript:msgbox(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    'ws://evil.example',
    'file:///etc/passwd',
    '//evil.example@login.example.com/..',
    '//[::1]/',
    '//2130706433/',
    '/login/..//evil.example',
    '/login#//evil.example',
    '\u2028//evil.example',
    '\u3000/evil.example',
    '?next=//evil.example',
    '#//evil.example',
  ])('%j becomes /', (path) => {
    expect(next(path)).toBe('/')
  })

  test.each([
    '/q',
    '/device',
    '/device#WDJB-MJHT',
    '/device/',
    '/q/',
    '/q#code',
    '/q?x=1#code',
    '/q?#~code',
    '/Q#code',
    '/%71#code',
    '/%71/',
    '/%51',
    '/%2571#code',
    '/%252571#code',
    `/%${'25'.repeat(4_000)}71`,
    '/./q',
    '/../q',
    '/x/../q#code',
    '/x/%2e%2e/q#code',
    '/x%2f..%2fq',
    '/x/..%2fq',
    '/x%5c..%5cq',
    '/%2e/q',
    '/q/.',
    '/q/x/..',
    '/q//',
    '/q%2f',
    '/%2fq',
    '/\\q',
    '/q\\',
    '/\tq#code',
    '/q\n',
    '/phone/scan',
    '/phone/scan/',
    '/phone//scan',
    '/phone/./scan',
    '/phone/x/../scan',
    '/phone%2fscan',
    '/%70hone/%73can',
    '/PHONE/SCAN',
    '/%6cogin',
    '/x/../login?next=/q',
    '/%',
    '/q%',
    '/%ff',
  ])('%j is a page that acts without a tap, and becomes /', (path) => {
    expect(next(path)).toBe('/')
  })

  test.each(['/qr', '/q/x', '/a/q', '/phone', '/phone/scanner', '/?next=/q#code', '/#/q', '/p/%71x'])(
    '%j is kept',
    (path) => {
      expect(next(path)).toBe(path)
    },
  )

  test.each([
    ['/%2f%2fevil.example', '/%2f%2fevil.example'],
    ['/x?next=https://evil.example', '/x?next=https://evil.example'],
    ['/@evil.example', '/@evil.example'],
    ['/a//b', '/a//b'],
    ['/\u3002evil.example', '/%E3%80%82evil.example'],
    ['/a\\b', '/a/b'],
  ])('%j is our own path, and becomes %j', (path, target) => {
    expect(next(path)).toBe(target)
    expect(new URL(target, 'https://login.example.com').origin).toBe('https://login.example.com')
  })

  test('a repeated or missing parameter becomes /', () => {
    expect([next(undefined), next(['/a', '/b'])]).toEqual(['/', '/'])
  })

  test('for any input the target has our origin', () => {
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

  test('for any input the target is never /q', () => {
    const parts = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2e',
      '%2f',
      '%5c',
      '%25',
      'q',
      'Q',
      '%71',
      '\t',
      '?',
      '#',
      'x',
    )
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (pieces) => {
        const { pathname } = new URL(next(pieces.join('')), 'https://login.example.com')
        const segments = decodeURIComponent(pathname)
          .toLowerCase()
          .split(/[\\/]+/)
        expect(segments.filter((segment) => segment !== '' && segment !== '.')).not.toEqual(['q'])
      }),
      { numRuns: 5_000 },
    )
  })
})
