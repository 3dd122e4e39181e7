import { randomUUID } from 'node:crypto'
import { ATTEMPT_ID } from '../core/attempt/code'
import { type ErrorCode, isProtocolError, ProtocolError } from '../core/errors'
import { SESSION_ID } from '../core/attempt/tokens'
import { services } from '../server/create-server'
import { clientAddress, rateLimitKeys } from './address'
import { AnswerDeadline } from './answer-deadline'
import type { ApiRequest } from './api-request'
import { readBody } from './body'
import { isCrossSite } from './origin'
import { statusOf, toProblem } from './problem'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
type Method = (typeof METHODS)[number]

/** Whether a resource has an answer for it, be it 405. */
export function isMethod(method: string): method is Method {
  return (METHODS as readonly string[]).includes(method)
}

/** One request, checked as far as every route checks. */
export interface Call {
  request: ApiRequest
  /** From the path. */
  params: Record<string, string>
  /** As text, within its limit; '' when there is none. `parseBody` makes sense of it. */
  body: string
  requestId: string
  /** To be called by a handler that waits for news from now on: its answer has no deadline then. */
  waits: () => void
}

/** What a route does: parse, authenticate, one transition, answer. */
export type Handler = (call: Call) => Promise<Response>

/** The shape that a router calls, Next's and any other. */
export type RouteHandler = (request: ApiRequest, context: RouteContext) => Promise<Response>

/** What `resource` makes: an answer to every method, and the route as PROTOCOL.md writes it. */
export type Resource = Record<Method, RouteHandler> & { readonly route: string }

type Params = Record<string, string>

interface RouteContext {
  /** Undefined where the path has none. */
  params: Promise<Params | undefined> | Params | undefined
}

/**
 * A resource with the methods it offers; HEAD follows from GET unless it is null. Every other method is answered too
 * (405), every refusal becomes a problem document and a line of the audit log, and checks run in this order: 405, 403 for another
 * site's request, 404 for an id that is not well-formed, 415, 413, then the handler's own. `route`: its pattern as PROTOCOL.md writes it. `admit` throws for clients
 * that may not even ask (403).
 */
export function resource(
  route: string,
  handlers: Partial<Record<Method, Handler | null>>,
  admit: (request: ApiRequest) => void = () => {},
): Resource {
  const offered = handlers.GET ? { HEAD: withoutBody(handlers.GET), ...handlers } : handlers
  const allow = METHODS.filter((method) => offered[method]).join(', ')
  const refused: Handler = async () => {
    throw new ProtocolError('method_not_allowed', { allow })
  }
  const bind = (method: Method) => answer(route, offered[method] ?? refused, offered[method] ? admit : null)
  const bound = Object.fromEntries(METHODS.map((method) => [method, bind(method)])) as Record<Method, RouteHandler>
  return { ...bound, route }
}

/** A path under which there is nothing. */
export function nowhere(): Record<Method, RouteHandler> {
  const notFound: Handler = async () => {
    throw new ProtocolError('not_found')
  }
  const bind = () => answer('none', notFound, null)
  return Object.fromEntries(METHODS.map((method) => [method, bind()])) as Record<Method, RouteHandler>
}

/** Without `admit` the request is not looked at: there is nothing here for it. */
function answer(route: string, handler: Handler, admit: ((request: ApiRequest) => void) | null): RouteHandler {
  return async (request, context) => {
    const requestId = randomUUID().slice(0, 13)
    const params = (await context.params) ?? {}
    let response: Response
    try {
      const body = admit === null ? '' : await checkRequest(request, { route, params, admit })
      // An embedded store answers at once: what takes long there is this process, and a refusal would cost as much again.
      const deadline = services().config.store.kind === 'sqlite' ? null : new AnswerDeadline()
      const work = handler({ request, params, body, requestId, waits: () => deadline?.lift() })
      response = await (deadline === null ? work : deadline.run(work))
      if (services().cookies.isRotating) await resealCookies(request, route, response)
    } catch (error) {
      const refusal = countRefusal(toRefusal(error, { requestId, route, method: request.method }), route, request)
      response = toProblem(refusal, requestId)
      audit(refusal, { request, route, requestId, attempt: params.id })
    }
    if (request.hasBaseHeaders !== true) {
      for (const [name, value] of services().headers) response.headers.set(name, value)
    }
    if (!response.headers.has('Cache-Control')) response.headers.set('Cache-Control', 'no-store')
    response.headers.set('X-Request-Id', requestId)
    return response
  }
}

/** Before the store is asked anything: what cannot be an id of ours is unknown. */
function requireWellFormed(route: string, { id }: Params): void {
  if (id === undefined) return
  const isId = route.startsWith('/api/qr/') ? ATTEMPT_ID : SESSION_ID
  if (!isId.test(id)) throw new ProtocolError('not_found')
}

/** Refusals of attempts are counted, so that guessing is slow. */
function countRefusal(refusal: ProtocolError, route: string, { headers, url }: ApiRequest): ProtocolError {
  const isOfAttempts = route.startsWith('/api/qr') || new URL(url).pathname.startsWith('/api/qr/')
  if (!isOfAttempts) return refusal
  const { config, refusals } = services()
  return refusals.answer(refusal, statusOf(refusal.code), rateLimitKeys(clientAddress(headers, config.trustedProxies)))
}

/**
 * While the secret is rotated: what was sealed under another one is sealed anew, unless the answer sets it by itself. Who is signed in only
 * where that is what was asked: an answer that overtakes a sign-in must not put the older session back.
 */
async function resealCookies({ method, headers }: ApiRequest, route: string, response: Response): Promise<void> {
  const { cookies } = services()
  const isAboutSessions = method === 'GET' && !route.startsWith('/api/qr')
  const lines = await cookies.reseal(headers.get('cookie'), response.headers.getSetCookie(), isAboutSessions)
  for (const line of lines) response.headers.append('Set-Cookie', line)
}

async function checkRequest(
  request: ApiRequest,
  { route, params, admit }: { route: string; params: Params; admit: (request: ApiRequest) => void },
): Promise<string> {
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  if (!isSafe && isCrossSite(request.headers, services().config.ownOrigins)) throw new ProtocolError('cross_site')
  requireWellFormed(route, params)
  admit(request)
  if (isSafe) return ''
  return await readBody(request)
}

/** What we did not refuse on purpose is our own bug: logged whole, answered with the request's id alone. */
function toRefusal(error: unknown, facts: { requestId: string; route: string; method: string }): ProtocolError {
  if (isProtocolError(error)) return error
  const { log, storeFailureKind } = services()
  const code: ErrorCode = storeFailureKind(error) === null ? 'internal' : 'unavailable'
  log.error({ err: error, ...facts, code }, 'request failed')
  return new ProtocolError(code, code === 'unavailable' ? { retryAfterS: 2 } : {})
}

interface Refused {
  request: ApiRequest
  route: string
  requestId: string
  /** From the path, whatever it is. */
  attempt: string | undefined
}

function audit({ code, facts }: ProtocolError, { request, route, requestId, attempt }: Refused): void {
  const { config, audit } = services()
  const { method, headers } = request
  const [client] = rateLimitKeys(clientAddress(headers, config.trustedProxies))
  const isAttempt = route.startsWith('/api/qr/') && attempt !== undefined && ATTEMPT_ID.test(attempt)
  audit({
    event: code === 'rate_limited' ? 'limited' : 'refused',
    code,
    status: statusOf(code),
    method,
    route,
    requestId,
    address: client?.key ?? null,
    ...(isAttempt ? { attempt } : {}),
    ...(facts.limit === undefined ? {} : { limit: facts.limit }),
  })
}

function withoutBody(get: Handler): Handler {
  return async (call) => {
    const { status, headers } = await get(call)
    return new Response(null, { status, headers })
  }
}
