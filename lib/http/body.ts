import type { ZodType } from 'zod'
import { isProtocolError, ProtocolError } from '../core/errors'
import type { ApiRequest } from './api-request'

const MAX_BYTES = 4096

/** The media type alone decides; parameters such as charset may follow. */
const JSON_TYPE = /^application\/json\s*(;|$)/i

/**
 * The body as text, '' when there is none. Counted while it streams: what is too large is not read
 * to its end.
 * @throws ProtocolError `not_json` for a body of another type, `body_too_large`, `bad_request` for
 * bytes that are not UTF-8.
 */
export async function readBody(request: ApiRequest): Promise<string> {
  const isJson = JSON_TYPE.test(request.headers.get('content-type') ?? '')
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > 0 && !isJson) throw new ProtocolError('not_json')
  if (announced > MAX_BYTES) throw new ProtocolError('body_too_large')
  if (request.body === null) return ''
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let bytes = 0
  let text = ''
  try {
    for await (const chunk of request.body) {
      bytes += chunk.byteLength
      if (bytes > 0 && !isJson) throw new ProtocolError('not_json')
      if (bytes > MAX_BYTES) throw new ProtocolError('body_too_large')
      text += decode(decoder, chunk)
    }
  } catch (error) {
    // Anything else is the connection: the client has left in the middle.
    throw isProtocolError(error) ? error : badBody('broken off')
  }
  return text + decode(decoder)
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes?: Uint8Array): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch {
    throw badBody('not UTF-8')
  }
}

/**
 * Parses a body. No body counts as `{}`.
 * @throws ProtocolError `bad_request` with what is wrong where.
 */
export function parseBody<T>(text: string, schema: ZodType<T>): T {
  const body = tryParseBody(text, schema)
  if (isProtocolError(body)) throw body
  return body
}

/**
 * As `parseBody`, but returns the refusal: for requests that are authenticated and counted before
 * they are refused (401 and 429 come before 400).
 */
export function tryParseBody<T>(text: string, schema: ZodType<T>): T | ProtocolError {
  const value = parseJson(text)
  if (isProtocolError(value)) return value
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return new ProtocolError('bad_request', { errors })
}

function parseJson(text: string): unknown {
  if (text === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return badBody('not JSON')
  }
  return countKeys(value) === countWrittenKeys(text) ? value : badBody('a field is repeated')
}

/** Parsers disagree on which of two equal fields counts; `JSON.parse` silently takes the last. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const values = Object.values(value)
  return values.reduce((sum: number, inner) => sum + countKeys(inner), Array.isArray(value) ? 0 : values.length)
}

/** In valid JSON a string that a colon follows is a key. */
function countWrittenKeys(json: string): number {
  let count = 0
  for (const [, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"\s*(:)?/g)) if (colon !== undefined) count += 1
  return count
}

function badBody(message: string): ProtocolError {
  return new ProtocolError('bad_request', { errors: [{ path: '', message }] })
}
