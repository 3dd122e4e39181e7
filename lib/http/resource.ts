import { randomUUID } from 'node:crypto'
import { ATTEMPT_ID } from '../core/attempt/code'
import type { Audit } from '../core/audit'
import { type ErrorCode, isProtocolError, ProtocolError } from '../core/errors'
import type { RateLimitKey } from '../core/rate-limit/limits'
import { type AddressList, type ClientTrace, rateLimitKeys, traceClient } from './address'
import type { ApiRequest } from './api-request'
import { readBody } from './body'
import { headersFor } from './headers'
import { isForeignHost } from './host'
import { isCrossSite } from './origin'
import { statusOf, toProblem } from './problem'
import type { Refusals } from './refusals'
import { RequestDeadline } from './request-deadline'
import { requireWellFormed } from './route-ids'
import { isOfApps, isProbe } from './target'

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export type Method = (typeof METHODS)[number]

/** Whether a resource answers it, be it with 405. */
export function isMethod(method: string): method is Method {
  return (METHODS as readonly string[]).includes(method)
}

/** What every request needs, whatever its route. */
export interface HttpContext {
  /** Headers of every response. */
  headers: readonly [name: string, value: string][]
  trustedProxies: AddressList
  /** Our host names, without ports: under any other public name every path is 404. */
  ownNames: ReadonlySet<string>
  /** The same, and those of the apps behind forward auth: for the paths that proxies ask for. */
  appNames: ReadonlySet<string>
  /** Whether the store was closed: every request gets 503. */
  isClosed: () => boolean
  /** Origins whose pages may call the API. */
  ownOrigins: ReadonlySet<string>
  refusals: Refusals
  audit: Audit
  /** Receives errors that are not refusals. */
  logError: (error: unknown, facts: Record<string, unknown>) => void
  /** Whether an error is a failure of the store, to be answered with 503. */
  isStoreFailure: (error: unknown) => boolean
  /** Whether a handler may take long because of the store: a shared store is a network away. */
  isStoreShared: boolean
  /**
   * `Set-Cookie` values that replace cookies sealed with an older secret; null while there is one
   * secret. `written`: what the response sets already. `all`: the cookies of sessions too.
   */
  resealCookies: ((cookieHeader: string | null, written: readonly string[], all: boolean) => Promise<string[]>) | null
}

/** One request, after the checks that every route makes. */
export interface Call {
  readonly request: ApiRequest
  /** From the path. */
  readonly params: Params
  /** Parsed once. Path and query are the client's; scheme and host mean nothing. */
  readonly url: URL
  /** Where the request comes from. Found once. */
  readonly client: ClientTrace
  /** What the client is counted by. */
  readonly rateLimitKeys: readonly RateLimitKey[]
  /** As text, within its limit; '' when there is none. `parseBody` parses it. */
  readonly body: string
  readonly requestId: string
  /**
   * A handler that waits for events calls it: its response has no deadline from then on.
   */
  readonly liftDeadline: () => void
  /** Runs a request to another server: it has a deadline of its own. */
  readonly suspendDeadline: <T>(work: () => Promise<T>) => Promise<T>
}

/** What a route does: parse, authenticate, one transition, answer. */
export type Handler<C> = (call: Call, context: C) => Promise<Response>

type Params = Readonly<Record<string, string>>

export interface ResourceOptions<C> {
  /** Throws for clients that may not use the resource at all (403). */
  admit?: (call: Pick<Call, 'client'>, context: C) => void
  /**
   * False where these settings have no such resource: then it is answered like any unknown path.
   */
  exists?: (context: C) => boolean
  /** Whether bodies of HTML forms are accepted too. */
  takesForms?: boolean
  /** Whether pages of other sites may send a browser here with a form: it changes nothing. */
  isOpenToSites?: boolean
  /** Whether it answers about a request that a proxy has received: it reads no body. */
  isForProxies?: boolean
  /** A page in place of the problem document; null: there is none for this refusal. */
  showRefusal?: (refusal: ProtocolError, call: Call, context: C) => Response | null
}

/** What one route answers to each method. */
export interface Resource<C> extends ResourceOptions<C> {
  /** Its pattern, as PROTOCOL.md writes it. */
  readonly route: string
  readonly handlers: Partial<Record<Method, Handler<C> | null>>
  /** The value of `Allow`. */
  readonly allow: string
}

/**
 * A resource with the methods it offers; HEAD follows from GET unless it is null. `route`: its
 * pattern, as PROTOCOL.md writes it.
 */
export function resource<C extends HttpContext>(
  route: string,
  handlers: Partial<Record<Method, Handler<C> | null>>,
  options: ResourceOptions<C> = {},
): Resource<C> {
  const offered = handlers.GET ? { HEAD: withoutBody(handlers.GET), ...handlers } : handlers
  return { ...options, route, handlers: offered, allow: METHODS.filter((method) => offered[method]).join(', ') }
}

/** A path without a resource. */
const NOWHERE: Resource<HttpContext> = { route: 'none', handlers: {}, allow: '' }

/**
 * Answers a request, whatever it is: every refusal becomes a problem document and a line of the
 * audit log. The checks run in this order: 405, 403 for another site's request, 404 for an id that
 * is not well-formed, 403 for an address, 415, 413, then the handler's own. `found`: null for a
 * path without a resource (404). `params`: from the path.
 */
export async function handleRequest<C extends HttpContext>(
  found: Resource<C> | null,
  request: ApiRequest,
  params: Params,
  context: C,
): Promise<Response> {
  const isThere =
    found !== null && !isUnderForeignName(found.route, request, context) && found.exists?.(context) !== false
  const target: Resource<C> = isThere ? found : NOWHERE
  const call = new IncomingCall(request, params, context.trustedProxies)
  let response: Response
  try {
    const handler = findHandler(target, isThere, request.method)
    await check(call, target, context)
    response = await handle(call, handler, context)
    if (context.resealCookies !== null) await resealCookies(call, target.route, response, context.resealCookies)
  } catch (error) {
    const refusal = countRefusal(toRefusal(error, call, target.route, context), target.route, call, context)
    response = target.showRefusal?.(refusal, call, context) ?? toProblem(refusal, call.requestId)
    writeAudit(refusal, call, target.route, context)
  }
  if (request.isPrepared !== true) {
    // A page has a policy of its own.
    for (const [name, value] of headersFor(target.route, context.headers))
      if (!response.headers.has(name)) response.headers.set(name, value)
  }
  if (!response.headers.has('Cache-Control')) response.headers.set('Cache-Control', 'no-store')
  response.headers.set('X-Request-Id', call.requestId)
  return response
}

/** See `isForeignHost`. Probes are answered under every name. */
function isUnderForeignName(
  route: string,
  { headers, url, isPrepared }: ApiRequest,
  { ownNames, appNames }: HttpContext,
): boolean {
  if (isPrepared === true || isProbe(route)) return false
  return isForeignHost(headers.get('host') ?? new URL(url).host, isOfApps(route) ? appNames : ownNames)
}

/** Finds out what handlers use of a request when they use it, and once. */
class IncomingCall implements Call {
  readonly request: ApiRequest
  readonly params: Params
  readonly requestId = randomUUID().slice(0, 13)
  body = ''
  liftDeadline = (): void => {}
  suspendDeadline: Call['suspendDeadline'] = (work) => work()
  readonly #trustedProxies: AddressList
  #url: URL | null = null
  #client: ClientTrace | null = null
  #rateLimitKeys: readonly RateLimitKey[] | null = null

  constructor(request: ApiRequest, params: Params, trustedProxies: AddressList) {
    this.request = request
    this.params = params
    this.#trustedProxies = trustedProxies
  }

  get url(): URL {
    this.#url ??= new URL(this.request.url)
    return this.#url
  }

  get client(): ClientTrace {
    this.#client ??= traceClient(this.request.headers, this.#trustedProxies)
    return this.#client
  }

  get rateLimitKeys(): readonly RateLimitKey[] {
    this.#rateLimitKeys ??= rateLimitKeys(this.client.address)
    return this.#rateLimitKeys
  }
}

/** @throws ProtocolError `not_found`, `method_not_allowed`. */
function findHandler<C>(target: Resource<C>, isThere: boolean, method: string): Handler<C> {
  if (!isThere) throw new ProtocolError('not_found')
  const handler = isMethod(method) ? target.handlers[method] : null
  if (!handler) throw new ProtocolError('method_not_allowed', { allow: target.allow })
  return handler
}

async function check<C extends HttpContext>(call: IncomingCall, target: Resource<C>, context: C): Promise<void> {
  if (context.isClosed()) throw new ProtocolError('unavailable', { retryAfterS: 2 })
  const { method, headers } = call.request
  const isSafe = method === 'GET' || method === 'HEAD'
  if (!isSafe && target.isOpenToSites !== true && isCrossSite(headers, context.ownOrigins))
    throw new ProtocolError('cross_site')
  requireWellFormed(target.route, call.params)
  target.admit?.(call, context)
  if (!isSafe && target.isForProxies !== true) call.body = await readBody(call.request, target.takesForms)
}

/**
 * An embedded store responds at once: a slow response is caused by this process, and a refusal
 * would cost as much again.
 */
async function handle<C extends HttpContext>(call: IncomingCall, handler: Handler<C>, context: C): Promise<Response> {
  if (!context.isStoreShared) return await handler(call, context)
  const deadline = new RequestDeadline()
  call.liftDeadline = () => deadline.lift()
  call.suspendDeadline = (work) => deadline.suspend(work)
  return await deadline.run(() => handler(call, context))
}

/** Refusals of attempts are counted, so that guessing is slow. */
function countRefusal(refusal: ProtocolError, route: string, call: Call, { refusals }: HttpContext): ProtocolError {
  const isOfAttempts = route.startsWith('/api/qr') || call.url.pathname.startsWith('/api/qr/')
  return isOfAttempts ? refusals.answer(refusal, statusOf(refusal.code), call.rateLimitKeys) : refusal
}

/**
 * While the secret is rotated: cookies that were sealed with another secret are resealed, unless
 * the response sets it itself. The cookies of sessions only on routes about sessions: a response
 * that overtakes a sign-in must not restore the older session.
 */
async function resealCookies(
  { request: { method, headers } }: Call,
  route: string,
  response: Response,
  reseal: NonNullable<HttpContext['resealCookies']>,
): Promise<void> {
  const isAboutSessions = method === 'GET' && !route.startsWith('/api/qr')
  const lines = await reseal(headers.get('cookie'), response.headers.getSetCookie(), isAboutSessions)
  for (const line of lines) response.headers.append('Set-Cookie', line)
}

/**
 * What was not refused on purpose is our own bug: logged whole, answered with the request's id
 * alone.
 */
function toRefusal(error: unknown, call: Call, route: string, context: HttpContext): ProtocolError {
  if (isProtocolError(error)) return error
  const code: ErrorCode = context.isStoreFailure(error) ? 'unavailable' : 'internal'
  const { requestId, request } = call
  context.logError(error, { requestId, route, method: request.method, code })
  return new ProtocolError(code, code === 'unavailable' ? { retryAfterS: 2 } : {})
}

function writeAudit({ code, facts }: ProtocolError, call: Call, route: string, { audit }: HttpContext): void {
  const { request, requestId, params } = call
  const [client] = call.rateLimitKeys
  const isAttempt = route.startsWith('/api/qr/') && params.id !== undefined && ATTEMPT_ID.test(params.id)
  audit({
    event: code === 'rate_limited' ? 'limited' : 'refused',
    code,
    status: statusOf(code),
    method: request.method,
    route,
    requestId,
    address: client?.key ?? null,
    ...(isAttempt ? { attempt: params.id } : {}),
    ...(facts.limit === undefined ? {} : { limit: facts.limit }),
  })
}

function withoutBody<C>(get: Handler<C>): Handler<C> {
  return async (call, context) => {
    const { status, headers } = await get(call, context)
    return new Response(null, { status, headers })
  }
}
