import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ProtocolError } from '../attempt/errors'
import { AddressList, clientAddress, PEER_HEADER } from './address'
import { parseBody, readBody } from './body'
import { describeDevice } from './device'
import { parseNextPath } from './next-path'
import { isCrossSite } from './origin'
import { parseCount, parseWord } from './query'

const URL_ = 'https://login.example.com/api/qr'
const OWN = new Set(['https://login.example.com'])

function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

describe('a body', () => {
  const post = (body: BodyInit | null, type: string | null = 'application/json') =>
    new Request(URL_, {
      method: 'POST',
      body,
      headers: type === null ? {} : { 'Content-Type': type },
      duplex: 'half',
    } as RequestInit)

  const refusalOf = async (request: Request) =>
    await readBody(request).then(
      () => null,
      (error: ProtocolError) => error.code,
    )

  test('of JSON is read, whatever the case and parameters of its type', async () => {
    for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON']) {
      expect(await readBody(post('{"a":1}', type))).toBe('{"a":1}')
    }
  })

  test('of another type is refused, and so are types that only look alike', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'text/json',
      'application/json-seq',
    ]) {
      expect(await refusalOf(post('{}', type))).toBe('not_json')
    }
  })

  test('that is absent needs no type', async () => {
    expect(await readBody(post(null, null))).toBe('')
    expect(await readBody(post('', 'text/plain'))).toBe('')
  })

  test('of 4,096 bytes is read, of one more is refused', async () => {
    expect(await readBody(post('x'.repeat(4096)))).toHaveLength(4096)
    expect(await refusalOf(post('x'.repeat(4097)))).toBe('body_too_large')
  })

  test('without an end is not read to its end', async () => {
    let pulled = 0
    let cancelled = false
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1024))
      },
      cancel() {
        cancelled = true
      },
    })
    expect(await refusalOf(post(endless))).toBe('body_too_large')
    expect(pulled).toBeLessThan(10)
    expect(cancelled).toBe(true)
  })

  test('that is announced as too large is not read at all', async () => {
    const request = new Request(URL_, {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json', 'Content-Length': '5000' },
    })
    expect(await refusalOf(request)).toBe('body_too_large')
    expect(request.bodyUsed).toBe(false)
  })

  test('that is not UTF-8 is refused', async () => {
    expect(await refusalOf(post(new Uint8Array([0x22, 0xff, 0x22])))).toBe('bad_request')
  })
})

describe('parsing a body', () => {
  const schema = z.strictObject({ code: z.string() })
  const refusalOf = (text: string) => codeOf(() => parseBody(text, schema))

  test('takes exactly the fields that are known', () => {
    expect(parseBody('{"code":"x"}', schema)).toEqual({ code: 'x' })
    for (const bad of [
      '',
      '{}',
      '{"code":1}',
      '{"code":"x","id":"y"}',
      '[]',
      'null',
      '"code"',
      '{',
      '\ufeff{"code":"x"}',
    ]) {
      expect(refusalOf(bad)).toBe('bad_request')
    }
  })

  test('refuses a repeated field, however it is spelt', () => {
    expect(refusalOf('{"code":"x","code":"y"}')).toBe('bad_request')
    expect(refusalOf('{"code":"x","c\\u006fde":"y"}')).toBe('bad_request')
    expect(refusalOf('{"code":"x", "__proto__":{}}')).toBe('bad_request')
  })

  test('does not take a colon or a quote inside a value for a field', () => {
    expect(parseBody('{"code":"a\\":\\"b"}', schema)).toEqual({ code: 'a":"b' })
    expect(parseBody('{"code":"\\\\"}', schema)).toEqual({ code: '\\' })
  })

  test('accepts what JSON.stringify writes, and counts every nested field', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseBody(JSON.stringify(value), z.unknown())).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('says what is wrong where', () => {
    try {
      parseBody('{"code":1}', schema)
      expect.fail('it was accepted')
    } catch (error) {
      expect((error as ProtocolError).facts.errors?.[0]?.path).toBe('code')
    }
  })
})

describe('a request may come from another site', () => {
  const check = (headers: Record<string, string>) => isCrossSite(new Headers(headers), OWN)
  const origin = 'https://login.example.com'

  test.each([
    ['same-origin metadata is trusted', { 'sec-fetch-site': 'same-origin' }, false],
    ['cross-site metadata is not', { 'sec-fetch-site': 'cross-site' }, true],
    ['same-site metadata is not: a sibling host may be hostile', { 'sec-fetch-site': 'same-site' }, true],
    ['none is not: nobody types a POST', { 'sec-fetch-site': 'none' }, true],
    ['metadata outweighs Origin', { 'sec-fetch-site': 'cross-site', origin }, true],
    ['our own Origin is trusted', { origin, cookie: 'a=b' }, false],
    ['another Origin is not', { origin: 'https://login.example.com.evil.example' }, true],
    ['nor is one with another scheme or port', { origin: 'http://login.example.com' }, true],
    ['nor is null', { origin: 'null' }, true],
    ['a cookie without either is refused', { cookie: 'a=b' }, true],
    ['without cookie and without either there is nothing to ride on', {}, false],
  ])('%s', (_, headers, expected) => {
    expect(check(headers as Record<string, string>)).toBe(expected)
  })
})

describe('the client address', () => {
  const address = (peer: string, forwarded: string | null, proxies: string[]) =>
    clientAddress(
      new Headers({ [PEER_HEADER]: peer, ...(forwarded === null ? {} : { 'x-forwarded-for': forwarded }) }),
      new AddressList(proxies),
    )

  test('is the socket when nobody is trusted, whatever is forwarded', () => {
    expect(address('203.0.113.7', '198.51.100.1', [])).toBe('203.0.113.7')
  })

  test('is what trusted proxies say, walked from the right', () => {
    expect(address('10.0.0.1', '6.6.6.6, 198.51.100.1, 10.0.0.2', ['10.0.0.0/8'])).toBe('198.51.100.1')
  })

  test('is the last that is known when a trusted proxy says nothing', () => {
    expect(address('10.0.0.1', null, ['10.0.0.0/8'])).toBe('10.0.0.1')
  })

  test('is unknown when a trusted proxy talks nonsense, never the client’s own words', () => {
    expect(address('10.0.0.1', '198.51.100.1, nonsense', ['10.0.0.0/8'])).toBeNull()
  })

  test('is unknown without a socket', () => {
    expect(clientAddress(new Headers({ 'x-forwarded-for': '6.6.6.6' }), new AddressList([]))).toBeNull()
  })

  test('reads IPv4 in IPv6 as IPv4', () => {
    expect(address('::ffff:10.0.0.1', '2001:db8::1', ['10.0.0.1'])).toBe('2001:db8:0:0:0:0:0:1')
  })

  test('a list takes addresses and blocks, and says what it does not take', () => {
    expect(new AddressList(['2001:db8::/32']).has('2001:db8:1::1')).toBe(true)
    for (const bad of ['10.0.0.0/33', '10.0.0', 'x', '10.0.0.0/8/8', '10.0.0.0/', '::/129']) {
      expect(() => new AddressList([bad])).toThrow(RangeError)
    }
  })
})

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

describe('the query', () => {
  test('numbers are whole and given once', () => {
    const query = new URLSearchParams('after=3&bad=-1&twice=1&twice=2&empty=')
    expect([parseCount(query, 'after'), parseCount(query, 'missing')]).toEqual([3, null])
    for (const name of ['bad', 'twice', 'empty']) expect(codeOf(() => parseCount(query, name))).toBe('bad_request')
  })

  test('words are of those that are known', () => {
    const query = new URLSearchParams('as=phone&bad=x')
    expect(parseWord(query, 'as', ['phone', 'computer'])).toBe('phone')
    expect(codeOf(() => parseWord(query, 'bad', ['phone', 'computer']))).toBe('bad_request')
  })
})

describe('a device', () => {
  test.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome',
      'Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
      'Safari',
      'macOS',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge',
      'Windows',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'Linux'],
  ])('%s', (userAgent, browser, os) => {
    expect(describeDevice(userAgent)).toEqual({ browser, os })
  })

  test('is unknown rather than guessed', () => {
    for (const nothing of [null, '', 'x', 'a'.repeat(100_000)]) {
      expect(describeDevice(nothing)).toEqual({ browser: null, os: null })
    }
  })
})
