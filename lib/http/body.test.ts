import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ProtocolError } from '../core/errors'
import { parseBody, readBody } from './body'

const URL_ = 'https://login.example.com/api/qr'

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

  test('of another media type is refused, and so are similar types', async () => {
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

  test('without an end is refused after the limit, and its stream is cancelled', async () => {
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

  test('with a Content-Length over the limit is refused without reading', async () => {
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

  test('accepts exactly the known fields', () => {
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

  test('does not confuse a colon or a quote inside a value with a field', () => {
    expect(parseBody('{"code":"a\\":\\"b"}', schema)).toEqual({ code: 'a":"b' })
    expect(parseBody('{"code":"\\\\"}', schema)).toEqual({ code: '\\' })
  })

  test('accepts every output of JSON.stringify, with nested fields', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseBody(JSON.stringify(value), z.unknown())).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('names the path of a wrong field', () => {
    try {
      parseBody('{"code":1}', schema)
      expect.fail('it was accepted')
    } catch (error) {
      expect((error as ProtocolError).facts.errors?.[0]?.path).toBe('code')
    }
  })
})
