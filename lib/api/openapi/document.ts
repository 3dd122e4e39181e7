import { z } from 'zod'
import type { ErrorCode } from '../../core/errors'
import { statusOf } from '../../http/problem'
import { idPatternOf } from '../../http/route-ids'
import { HEADERS, PARAMETERS, SECURITY_OF, SECURITY_SCHEMES } from './components'
import type { ExpectedResponse, HeaderName, Operation, Requester } from './operation'
import { OPERATIONS } from './operations'
import { SCHEMAS, type SchemaName } from './schemas'

type Json = Record<string, unknown>

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const PROBLEM_TYPE = 'application/problem+json'

/** The OpenAPI document (3.1.1) of every route below `/api`. `version`: of this project. */
export function buildDocument(version: string): Json {
  const paths = Object.entries(OPERATIONS).map(([path, methods]) => {
    const operations = Object.entries(methods).map(([method, operation]) => [
      method,
      toOperation(path, method, operation),
    ])
    return [path, Object.fromEntries(operations)]
  })
  return {
    openapi: '3.1.1',
    info: {
      title: 'qr-login',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The origin that this document came from.' }],
    tags: [...new Set(Object.keys(OPERATIONS).map(tagOf))].map((name) => ({ name })),
    paths: Object.fromEntries(paths),
    components: {
      schemas: toSchemas(),
      headers: HEADERS,
      parameters: PARAMETERS,
      responses: { MethodNotAllowed: METHOD_NOT_ALLOWED },
      securitySchemes: SECURITY_SCHEMES,
    },
  }
}

const DESCRIPTION = [
  'Sign in on a computer by scanning a code with a signed-in phone. PROTOCOL.md describes each step.',
  'HEAD is offered where GET is, but for event streams. Methods that are not offered get 405 `method_not_allowed`.',
  'Every refusal is a problem document; clients switch on its `code`.',
].join('\n\n')

const METHOD_NOT_ALLOWED = {
  description: 'This method is not offered here.',
  headers: {
    Allow: { $ref: '#/components/headers/Allow' },
    'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
  },
  content: { [PROBLEM_TYPE]: { schema: toProblemSchema(405, ['method_not_allowed']) } },
}

function toSchemas(): Json {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    // A list that our own code may not change is no fact about the response.
    override: ({ jsonSchema }) => delete jsonSchema.readOnly,
  })
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]))
}

function toOperation(path: string, method: string, operation: Operation): Json {
  const { operationId, summary, requester, body, takesForms = false, isOpen = false } = operation
  const security = SECURITY_OF[requester]
  return {
    operationId,
    tags: [tagOf(path)],
    summary,
    parameters: toParameters(path, operation),
    ...(body === undefined ? {} : { requestBody: toRequestBody(body, takesForms) }),
    responses: toResponses(path, method, operation),
    security: isOpen ? [...security, {}] : security,
  }
}

/** An empty body counts as `{}`. */
function toRequestBody(body: SchemaName, takesForms: boolean): Json {
  const content = { schema: refTo(body) }
  const required = body !== 'StartBody' && body !== 'OidcBody'
  return { required, content: { [JSON_TYPE]: content, ...(takesForms ? { [FORM_TYPE]: content } : {}) } }
}

const COUNT = { type: 'integer', minimum: 0, maximum: 999_999_999 }

function toParameters(path: string, { query = {}, requester, isConditional = false }: Operation): Json[] {
  const inPath = path.includes('{id}') ? [{ name: 'id', in: 'path', required: true, schema: idSchema(path) }] : []
  const inQuery = Object.entries(query).map(([name, { description, words, isText = false }]) => ({
    name,
    in: 'query',
    description,
    schema: isText ? { type: 'string' } : words === undefined ? COUNT : { enum: words },
  }))
  const signature = requester === 'phone' || requester === 'account' ? ['X-Timestamp', 'X-Nonce', 'X-Signature'] : []
  const inHeaders = [...(isConditional ? ['If-None-Match'] : []), ...signature]
  return [...inPath, ...inQuery, ...inHeaders.map((name) => ({ $ref: `#/components/parameters/${name}` }))]
}

function idSchema(path: string): Json {
  return { type: 'string', pattern: idPatternOf(path).source }
}

function toResponses(path: string, method: string, operation: Operation): Json {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codesOf(path, method, operation)) {
    byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code])
  }
  const refusals = [...byStatus].map(([status, codes]) => [String(status), toRefusal(status, codes)] as const)
  const responses = Object.entries(operation.responses).map(
    ([status, response]) => [status, toResponse(response)] as const,
  )
  return Object.fromEntries([...refusals, ...responses])
}

/** Every code that this operation can be refused with. */
function codesOf(path: string, method: string, { requester, isOpen, query, codes = [] }: Operation): Set<ErrorCode> {
  const isHealth = path.startsWith('/api/health/')
  const all: (ErrorCode | false)[] = [
    'internal',
    !isHealth && 'not_found',
    !isHealth && 'unavailable',
    ...(method === 'get' ? [] : (['cross_site', 'not_json', 'body_too_large', 'bad_request'] as const)),
    query !== undefined && 'bad_request',
    path.startsWith('/api/qr') && 'rate_limited',
    ...CODES_OF[requester],
    (requester === 'phone' || requester === 'account') && isOpen !== true && 'unauthenticated',
    ...codes,
  ]
  return new Set(all.filter((code) => code !== false))
}

const TOKEN_CODES = ['token_wrong', 'signature_wrong', 'two_identities', 'rate_limited'] as const

const CODES_OF: Record<Requester, readonly ErrorCode[]> = {
  any: [],
  browser: [],
  computer: [],
  phone: TOKEN_CODES,
  account: TOKEN_CODES,
  metrics: ['unauthenticated', 'token_wrong', 'rate_limited'],
}

function toRefusal(status: number, codes: readonly ErrorCode[]): Json {
  const more: HeaderName[] = codes.some((code) => WAITS.has(code)) ? ['Retry-After'] : []
  const challenge = status === 401 ? ['WWW-Authenticate'] : []
  return {
    description: codes.join(', '),
    headers: toHeaders([...more, ...challenge]),
    content: { [PROBLEM_TYPE]: { schema: toProblemSchema(status, codes) } },
  }
}

const WAITS = new Set<ErrorCode>(['rate_limited', 'too_soon', 'unavailable'])

function toProblemSchema(status: number, codes: readonly ErrorCode[]): Json {
  return { allOf: [refTo('Problem'), { properties: { status: { const: status }, code: { enum: codes } } }] }
}

function toResponse({ description, json, events, text, headers = [] }: ExpectedResponse): Json {
  return { description, headers: toHeaders(headers), ...toContent({ json, events, text }) }
}

function toContent({
  json,
  events,
  text,
}: { [K in 'json' | 'events' | 'text']: ExpectedResponse[K] | undefined }): Json {
  if (json !== undefined) return { content: { [JSON_TYPE]: { schema: refTo(json) } } }
  if (text !== undefined) return { content: { [text]: { schema: { type: 'string' } } } }
  if (events === undefined) return {}
  const data = Object.entries(events).map(([event, name]) => [event, refTo(name)])
  return { content: { 'text/event-stream': { schema: { type: 'string' }, 'x-events': Object.fromEntries(data) } } }
}

function toHeaders(names: readonly string[]): Json {
  const all = ['X-Request-Id', 'Cache-Control', ...names]
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function refTo(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` }
}

function tagOf(path: string): string {
  const [, , area = ''] = path.split('/')
  return TAGS[area] ?? 'Operations'
}

const TAGS: Record<string, string> = {
  qr: 'Attempts',
  phone: 'Phones',
  phones: 'Phones',
  session: 'Sessions',
  sessions: 'Sessions',
  account: 'Sessions',
}
