import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, describe, expect, test } from 'vitest'
import { App, Browser, dataOf, ORIGIN, readFrames, signedInPhone } from '../../../test/support/app'
import { ROUTES } from '../routes'
import { OPERATIONS } from './operations'
import { SCHEMAS } from './schemas'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** Everything that exists with certain settings only. No server listens at the issuer. */
const app = new App({
  METRICS_TOKEN: 'a-token-of-tests-that-is-long-enough',
  ACCOUNTS_OIDC_ISSUER: 'http://127.0.0.1:9',
  ACCOUNTS_OIDC_CLIENT_ID: 'qr-login',
})
afterAll(() => app.dispose())

const request = async (headers: Record<string, string> = {}) =>
  await app.handle(new Request(`${ORIGIN}/api/openapi.json`, { headers }))

// biome-ignore lint/suspicious/noExplicitAny: the test checks the document
const read = async (): Promise<any> => (await request()).json()

test('the document is valid OpenAPI 3.1 for an independent validator', async () => {
  const validator = new Validator()
  const result = await validator.validate(await read())
  expect(result).toMatchObject({ valid: true })
  expect(validator.version).toBe('3.1')
  // The validator rejects a broken document.
  const broken = { ...(await read()), paths: { '/api/x': { get: { responses: 'none' } } } }
  expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
})

test('the document has exactly the routes of the table', async () => {
  const { paths } = await read()
  expect(Object.keys(paths).sort()).toEqual([...ROUTES].sort())
})

test.each(Object.keys(OPERATIONS))('%s: the document has exactly the offered methods', async (route) => {
  const path = route.replace('{id}', 'A'.repeat(route.startsWith('/api/qr') ? 16 : 32))
  const response = await app.handle(new Request(ORIGIN + path, { method: 'OPTIONS' }))
  const allowed = (response.headers.get('allow') ?? '').split(', ').filter((method) => METHODS.includes(method))
  const { paths } = await read()
  expect(Object.keys(paths[route]).map((method) => method.toUpperCase())).toEqual(allowed)
})

test('the document has the version, unique operation ids and no dangling reference', async () => {
  const document = await read()
  expect(document.openapi).toBe('3.1.1')
  expect(document.info.version).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
  const ids: string[] = []
  const dangling: string[] = []
  JSON.stringify(document, (name, value) => {
    if (name === 'operationId') ids.push(value)
    if (name === '$ref' && find(document, value) === undefined) dangling.push(value)
    return value
  })
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBe(Object.values(OPERATIONS).flatMap((methods) => Object.keys(methods)).length)
  expect(dangling).toEqual([])
})

test('only what browsers return for a passkey allows additional properties', async () => {
  const { components } = await read()
  const { OpenApi: _, ...schemas } = components.schemas
  const loose: string[] = []
  const walk = (at: string, schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    if ('properties' in schema && (schema as { additionalProperties?: unknown }).additionalProperties !== false) {
      loose.push(at)
    }
    for (const [name, inner] of Object.entries(schema)) walk(`${at}/${name}`, inner)
  }
  walk('', schemas)
  expect(Object.keys(schemas).length).toBe(Object.keys(SCHEMAS).length - 1)
  expect(loose.filter((at) => !/^\/\w+Body(\/\w+)*\/passkey(\/properties\/response)?$/.test(at))).toEqual([])
})

test('the document has an ETag, and a client that has it gets 304', async () => {
  const first = await request()
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]{16}"$/)
  expect(first.headers.get('content-type')).toBe('application/json')
  expect(first.headers.get('cache-control')).toBe('no-store')
  const second = await request({ 'If-None-Match': etag })
  expect([second.status, await second.text()]).toEqual([304, ''])
})

describe('events', () => {
  const compile = async (name: string) => {
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    addFormats(ajv)
    ajv.addSchema(await read(), 'openapi.json')
    return ajv.compile({ $ref: `openapi.json#/components/schemas/${name}` })
  }

  test('the events of attempt and account streams match their schemas', async () => {
    const { paths } = await read()
    const phone = await signedInPhone(app, 'ada')
    const computer = new Browser(app)
    const attempt = await computer.start()
    const stream = await computer.send('GET', `/api/qr/${attempt.id}/events`)
    const account = await phone.send('GET', '/api/account/events')
    const { claim } = await phone.scan(attempt)
    await phone.get('POST', '/api/qr/cancel', { claim })
    const ofAttempt = await readFrames(stream)
    const ofAccount = await readFrames(account, 3)
    await account.body?.cancel()
    for (const [path, frames] of [
      ['/api/qr/{id}/events', ofAttempt],
      ['/api/account/events', ofAccount],
    ] as const) {
      const events = paths[path].get.responses[200].content['text/event-stream']['x-events']
      expect(frames.length).toBeGreaterThanOrEqual(3)
      for (const frame of frames) {
        const [, event = ''] = /^event: (\w+)$/m.exec(frame) ?? []
        const validate = await compile(events[event].$ref.split('/').pop())
        expect([event, validate(dataOf(frame)), validate.errors]).toEqual([event, true, null])
      }
    }
  })
})

/** The target of a reference within the document (RFC 6901); undefined if there is none. */
function find(document: unknown, ref: string): unknown {
  const parts = ref.slice(2).split('/')
  return parts.reduce((at, part) => (at as Record<string, unknown> | undefined)?.[part], document)
}
