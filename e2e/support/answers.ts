import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** One answer of the API, as a client got it. */
export interface Seen {
  method: string
  /** The path, with or without its query. */
  path: string
  status: number
  headers: Headers
  /** Null when it was not read: a stream, or a page that has gone. */
  body: string | null
}

interface Response {
  headers?: Record<string, { $ref: string }>
  content?: Record<string, unknown>
}

interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, Response> }>>
  components: { headers: Record<string, { required?: boolean }>; responses: Record<string, Response> }
}

/** Holds answers to the OpenAPI document, by a foreign validator. */
export class AnswerCheck {
  readonly #document: OpenApi
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #validators = new Map<string, ValidateFunction>()

  constructor(document: OpenApi) {
    this.#document = document
    addFormats(this.#ajv)
    this.#ajv.addSchema(document, 'openapi.json')
  }

  /**
   * What is wrong with the answer: method, path, status and what differs. Null when nothing is, and
   * for what is no answer of the API.
   */
  findMistake(seen: Seen): string | null {
    const [path = ''] = seen.path.split('?')
    if (!path.startsWith('/api/')) return null
    const mistake = this.#judge(path, seen)
    return mistake === null ? null : `${seen.method} ${seen.path} ${seen.status}: ${mistake}`
  }

  #judge(path: string, { method, status, headers, body }: Seen): string | null {
    const found = this.#findResponse(path, method, status)
    if (found === null) return 'the document has no such answer'
    const { pointer, response } = found
    if (headers.get('cache-control')?.includes('no-store') !== true) return 'Cache-Control is not no-store'
    for (const [name, { $ref }] of Object.entries(response.headers ?? {})) {
      const { required = false } = this.#document.components.headers[$ref.split('/').pop() ?? ''] ?? {}
      if (required && !headers.has(name)) return `${name} is missing`
    }
    const [type = ''] = (headers.get('content-type') ?? '').split(';')
    const content = Object.keys(response.content ?? {})
    if (content.length === 0) return body === null || body === '' ? null : 'there is a body'
    if (!content.includes(type)) return `Content-Type is ${type}, not ${content.join(' or ')}`
    if (!type.endsWith('json') || body === null || method === 'HEAD') return null
    return this.#judgeBody(`${pointer}/content/${pointerPart(type)}/schema`, body)
  }

  #judgeBody(pointer: string, body: string): string | null {
    const validate = this.#validators.get(pointer) ?? this.#ajv.compile({ $ref: `openapi.json#${pointer}` })
    this.#validators.set(pointer, validate)
    let value: unknown
    try {
      value = JSON.parse(body)
    } catch {
      return 'the body is not JSON'
    }
    return validate(value) ? null : this.#ajv.errorsText(validate.errors, { dataVar: 'body' })
  }

  #findResponse(path: string, method: string, status: number): { pointer: string; response: Response } | null {
    const { paths, components } = this.#document
    const template = Object.hasOwn(paths, path) ? path : Object.keys(paths).find((each) => toPattern(each).test(path))
    // Where there is nothing, all methods are answered as any operation answers an unknown id.
    const known = template ?? '/api/qr/{id}'
    const offered = paths[known] ?? {}
    const name = template === undefined || method === 'HEAD' ? 'get' : method.toLowerCase()
    if (template === undefined && ![404, 429].includes(status)) return null
    if (status === 405) {
      const response = components.responses.MethodNotAllowed
      return response === undefined ? null : { pointer: '/components/responses/MethodNotAllowed', response }
    }
    const response = offered[name]?.responses[status]
    return response === undefined
      ? null
      : { pointer: `/paths/${pointerPart(known)}/${name}/responses/${status}`, response }
  }
}

function toPattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', '\\.').replace('{id}', '[^/]+')}$`)
}

/** As a part of a JSON pointer in a URI fragment (RFC 6901, section 6). */
function pointerPart(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}

let check: AnswerCheck | null = null
const ownOrigins = new Set<string>()

/** From now on answers of this server are checked. The document is read from the first one. */
export async function checkAnswersOf(origin: string): Promise<void> {
  ownOrigins.add(origin)
  if (check !== null) return
  const response = await fetch(`${origin}/api/openapi.json`)
  check = new AnswerCheck((await response.json()) as OpenApi)
}

/** Whether answers from there are checked. */
export function isChecked(url: string): boolean {
  return URL.canParse(url) && ownOrigins.has(new URL(url).origin)
}

/** The mistake in an answer of a server that is checked; null when there is none. */
export function findMistake(seen: Seen): string | null {
  return check === null ? 'no document was read' : check.findMistake(seen)
}
