import { randomUUID } from 'node:crypto'
import { type ErrorCode, isProtocolError, ProtocolError } from '../attempt/errors'
import { services } from '../services'
import { readBody } from './body'
import { isCrossSite } from './origin'
import { toProblem } from './problem'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
type Method = (typeof METHODS)[number]

/** One request, checked as far as every route checks. */
export interface Call {
  request: Request
  /** From the path. */
  params: Record<string, string>
  /** As text, within its limit; '' when there is none. `parseBody` makes sense of it. */
  body: string
  requestId: string
}

/** What a route does: parse, authenticate, one transition, answer. */
export type Handler = (call: Call) => Promise<Response>

/** The shape that a router calls, Next's and any other. */
export type RouteHandler = (request: Request, context: RouteContext) => Promise<Response>

interface RouteContext {
  params: Promise<Record<string, string>> | Record<string, string>
}

const API_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/**
 * A resource with the methods it offers; HEAD follows from GET unless it is null. Every other method is answered too
 * (405), every refusal becomes a problem document, and checks run in this order: 405, 403, 415, 413, then the handler's
 * own. `admit` throws for those who may not even ask (403).
 */
export function resource(
  handlers: Partial<Record<Method, Handler | null>>,
  admit: (request: Request) => void = () => {},
): Record<Method, RouteHandler> {
  const offered = handlers.GET ? { HEAD: withoutBody(handlers.GET), ...handlers } : handlers
  const allow = METHODS.filter((method) => offered[method]).join(', ')
  const refused: Handler = async () => {
    throw new ProtocolError('method_not_allowed', { allow })
  }
  const bind = (method: Method) => answer(offered[method] ?? refused, offered[method] ? admit : null)
  return Object.fromEntries(METHODS.map((method) => [method, bind(method)])) as Record<Method, RouteHandler>
}

/** A path under which there is nothing. */
export function nowhere(): Record<Method, RouteHandler> {
  const notFound: Handler = async () => {
    throw new ProtocolError('not_found')
  }
  return Object.fromEntries(METHODS.map((method) => [method, answer(notFound, null)])) as Record<Method, RouteHandler>
}

/** Without `admit` the request is not looked at: there is nothing here for it. */
function answer(handler: Handler, admit: ((request: Request) => void) | null): RouteHandler {
  return async (request, context) => {
    const requestId = randomUUID().slice(0, 13)
    let response: Response
    try {
      const body = admit === null ? '' : await checkRequest(request, admit)
      response = await handler({ request, params: await context.params, body, requestId })
    } catch (error) {
      response = toProblem(toRefusal(error, requestId, request), requestId)
    }
    for (const [name, value] of Object.entries(API_HEADERS)) response.headers.set(name, value)
    if (!response.headers.has('Cache-Control')) response.headers.set('Cache-Control', 'no-store')
    response.headers.set('X-Request-Id', requestId)
    return response
  }
}

async function checkRequest(request: Request, admit: (request: Request) => void): Promise<string> {
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  if (!isSafe && isCrossSite(request.headers, services().config.ownOrigins)) throw new ProtocolError('cross_site')
  admit(request)
  if (isSafe) return ''
  return await readBody(request)
}

/** What we did not refuse on purpose is our own bug: logged whole, answered with the request's id alone. */
function toRefusal(error: unknown, requestId: string, request: Request): ProtocolError {
  if (isProtocolError(error)) return error
  const { log, isStoreFailure } = services()
  const code: ErrorCode = isStoreFailure(error) ? 'unavailable' : 'internal'
  log.error({ err: error, requestId, method: request.method, code }, 'request failed')
  return new ProtocolError(code, code === 'unavailable' ? { retryAfterS: 2 } : {})
}

function withoutBody(get: Handler): Handler {
  return async (call) => {
    const { status, headers } = await get(call)
    return new Response(null, { status, headers })
  }
}
