import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** A response as a client received it. */
export interface RecordedResponse {
  method: string
  /** The path, with or without its query. */
  path: string
  status: number
  headers: Headers
  /** Null if it was not read: a stream, or the page has navigated. */
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

/** Checks responses against the OpenAPI document, with an independent validator. */
export class ResponseCheck {
  readonly #document: OpenApi
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #validators = new Map<string, ValidateFunction>()

  constructor(document: OpenApi) {
    this.#document = document
    addFormats(this.#ajv)
    this.#ajv.addSchema(document, 'openapi.json')
  }

  /**
   * The first difference from the document, with method, path and status. Null if there is none,
   * and for paths outside the API.
   */
  findMistake(recorded: RecordedResponse): string | null {
    const [path = ''] = recorded.path.split('?')
    if (!path.startsWith('/api/')) return null
    const mistake = this.#check(path, recorded)
    return mistake === null ? null : `${recorded.method} ${recorded.path} ${recorded.status}: ${mistake}`
  }

  #check(path: string, { method, status, headers, body }: RecordedResponse): string | null {
    const found = this.#findResponse(path, method, status)
    if (found === null) return 'the document has no such response'
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
    return this.#checkBody(`${pointer}/content/${pointerPart(type)}/schema`, body)
  }

  #checkBody(pointer: string, body: string): string | null {
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
    // An unknown path gets the same 404 for every method as an unknown id.
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

/** Encodes a part of a JSON pointer for a URI fragment (RFC 6901, section 6). */
function pointerPart(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}

let check: ResponseCheck | null = null
const ownOrigins = new Set<string>()

/** Checks all later responses of this server. The document is read from the first server. */
export async function checkResponsesOf(origin: string): Promise<void> {
  ownOrigins.add(origin)
  if (check !== null) return
  const response = await fetch(`${origin}/api/openapi.json`)
  check = new ResponseCheck((await response.json()) as OpenApi)
}

/** Whether responses of this URL's server are checked. */
export function isChecked(url: string): boolean {
  return URL.canParse(url) && ownOrigins.has(new URL(url).origin)
}

/** The mistake in a response of a checked server; null if there is none. */
export function findMistake(recorded: RecordedResponse): string | null {
  return check === null ? 'no document was read' : check.findMistake(recorded)
}
