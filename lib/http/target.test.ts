import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listNames } from './host'
import { isProbe, readTarget } from './target'

const OWN = new Set(['login.example.com'])
const HOST = 'login.example.com'

const read = (target: string, host: string | undefined = HOST) => readTarget(target, host, OWN)

const NOWHERE = { url: '/nowhere', host: HOST }
const API_NOWHERE = { url: '/api/nowhere', host: HOST }

describe('a request target', () => {
  test.each([
    '/',
    '/login?next=//evil.example/..',
    '/api/qr?x=%',
    '/login/',
    '//evil.example/',
    '/%2fevil.example/',
    '/_next/static/a..b.js',
    '/_next/images',
    '/.well-known/x',
    '/...',
  ])('%s in origin-form is unchanged', (target) => {
    expect(read(target)).toEqual({ url: target, host: HOST })
  })

  test.each([
    ['http://login.example.com/login?a=b', '/login?a=b', 'login.example.com'],
    ['HTTPS://LOGIN.example.com:8443/api/session', '/api/session', 'LOGIN.example.com:8443'],
    ['http://login.example.com', '/', 'login.example.com'],
    ['http://login.example.com?x', '/?x', 'login.example.com'],
    ['http://127.0.0.1:3000/login', '/login', '127.0.0.1:3000'],
    ['http://[::1]:3000/login', '/login', '[::1]:3000'],
    ['http://upstream//evil.example/', '//evil.example/', 'upstream'],
  ])('%s in absolute-form is the path %s of %s, whatever Host says', (target, url, host) => {
    for (const given of [HOST, 'evil.example', undefined]) expect(read(target, given)).toEqual({ url, host })
  })

  test.each([
    'http://evil.example/login',
    'http://evil.example',
    'http://evil.example/api/',
    'http://login.example.com.evil.example/',
    'http://login.example.com@evil.example/',
    'http://evil.example@login.example.com/',
    'http:///login',
    'http://',
    'http:login',
    'ftp://login.example.com/login',
    'file:///login',
    'javascript://login.example.com/login',
    '*',
    '',
    'login',
    'login.example.com',
    'login.example.com:443',
    'evil.example:443',
    '?x',
  ])('%j becomes the unknown path', (target) => {
    const { url, host } = read(target)
    expect([url, host]).toEqual([target.includes('/api/') ? API_NOWHERE.url : NOWHERE.url, HOST])
  })

  test.each([
    '/%E0%A4%A',
    '/%',
    '/\\evil.example',
    '/%5cevil.example',
    '/x/../login',
    '/.',
    '/..',
    '/login/..',
    '/%2e%2e/login',
    '/x/%2E./login',
    '/x%2f..%2flogin',
    '/_next/image',
    '/_next/image?url=%2ficons%2f192.png&w=64&q=75',
    '/_next/image/',
    '/_next/%69mage?url=x',
  ])('the path %s becomes the unknown path', (target) => {
    expect(read(target)).toEqual(NOWHERE)
    expect(read(`http://${HOST}${target}`)).toEqual(NOWHERE)
  })

  test('becomes the unknown path of the API if its path is under /api', () => {
    for (const target of ['/api/qr/%', '/api/../login', '/api/qr/..', 'http://evil.example/api/session']) {
      expect(read(target)).toEqual(API_NOWHERE)
    }
  })

  test('with a foreign Host becomes the unknown path, except for the two health checks', () => {
    const foreign = 'evil.example'
    const nowhere = [
      '/login',
      '/api/session',
      '/api/health/',
      '/api/health/live/',
      '/api/health/nowhere',
      '/api/health',
    ]
    const dots = ['/api/health/../../login', '/api/health/live/..', '/api/health/%2e%2e/session']
    for (const target of [...nowhere, ...dots]) {
      expect(read(target, foreign).url).toMatch(/^(\/api)?\/nowhere$/)
    }
    for (const target of ['/api/health/live', '/api/health/ready', '/api/health/live?x=..']) {
      expect(read(target, foreign)).toEqual({ url: target, host: foreign })
    }
    expect(read('http://evil.example/api/health/live')).toEqual(API_NOWHERE)
  })

  test('always becomes a path without dot segments, and never one of another authority', () => {
    const part = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2F',
      '\\',
      'x',
      'http://',
      HOST,
      'evil.example',
      '@',
      ':80',
      '?',
      '*',
    )
    const target = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(target, (text) => {
        const { url, host } = read(text)
        expect(url[0]).toBe('/')
        expect(host).not.toContain('evil')
        const resolved = new URL(`http://own${url.replace(/^\/+/, '/')}`)
        expect(resolved.host).toBe('own')
        expect(resolved.pathname.split('/').length).toBe(
          (url.replace(/^\/+/, '/').split(/[?#]/)[0] ?? '').split('/').length,
        )
      }),
      { numRuns: 2_000 },
    )
  })
})

test('health checks are exactly two paths, with or without a query', () => {
  expect(['/api/health/live', '/api/health/ready?x'].map(isProbe)).toEqual([true, true])
  expect(['/api/health/', '/api/health/live/', '/api/health/live/x', '/login?/api/health/live'].map(isProbe)).toEqual(
    Array(4).fill(false),
  )
})

describe('under the name of an app behind forward auth', () => {
  const { ownNames, appNames } = listNames(
    ['https://login.example.com'],
    ['wiki.example.com', 'files.example.com:8443'],
  )
  const readAtApp = (target: string, host: string) => readTarget(target, host, ownNames, appNames)

  test.each(['/.qr-login/start?return=/', '/authz/request/a/b', '/authz/forward'])('%s is unchanged', (target) => {
    for (const host of ['wiki.example.com', 'files.example.com:8443', 'login.example.com'])
      expect(readAtApp(target, host)).toEqual({ url: target, host })
    expect(readAtApp(target, 'evil.example').url).toBe('/nowhere')
    expect(readAtApp(`http://wiki.example.com${target}`, 'evil.example').url).toBe(target)
  })

  test.each([
    '/',
    '/login',
    '/.qr-login',
    '/authz',
    '/a/.qr-login/start',
    '/authz/../login',
    '/.qr-login/%2e%2e/login',
  ])('%s is nowhere', (target) => {
    expect(readAtApp(target, 'wiki.example.com').url).toBe('/nowhere')
  })

  test('the API is nowhere', () => {
    expect(readAtApp('/api/session', 'wiki.example.com').url).toBe('/api/nowhere')
  })
})
