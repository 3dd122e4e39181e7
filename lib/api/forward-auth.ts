import type { ForwardAuth } from '../apps/forward-auth'
import { toIdentityHeaders } from '../apps/identity-headers'
import { readAppCookie } from '../auth/app-cookies'
import { ProtocolError } from '../core/errors'
import type { ComputerSession } from '../core/session/session'
import { parseAppPath } from '../http/next-path'
import { isNavigation, type OriginalRequest, readOriginalRequest } from '../http/original-request'
import { toProblem } from '../http/problem'
import { type Call, type Handler, METHODS, type Method, type Resource, resource } from '../http/resource'
import type { ApiContext } from './context'

/** Where forward auth is set up. */
export const FORWARD_AUTH = { exists: ({ forwardAuth }: ApiContext) => forwardAuth !== null }
/** Proxies ask with the method of the original request, which may come from any site. */
const FOR_PROXIES = { ...FORWARD_AUTH, isForProxies: true, isOpenToSites: true }

/**
 * What proxies ask about each request of an app. Any path below is the same: Envoy adds that of the
 * original request.
 */
export const AUTHZ_RESOURCES: readonly Resource<ApiContext>[] = [
  resource('/authz/request', forEachMethod(answerRequest), FOR_PROXIES),
  resource('/authz/forward', forEachMethod(answerForward), FOR_PROXIES),
]

/** An app's host, as a trusted proxy names it, and what the browser asked for there. */
export interface AppCall {
  forwardAuth: ForwardAuth
  host: string
  original: OriginalRequest
}

/**
 * @throws ProtocolError `forward_refused` unless a trusted proxy names a listed host, with the
 * scheme of the apps.
 */
export function requireAppCall({ request, client }: Call, { forwardAuth }: ApiContext): AppCall {
  if (forwardAuth === null) throw new ProtocolError('not_found')
  if (!client.isPeerTrusted) throw forwardAuth.refuse('untrusted_peer')
  const original = readOriginalRequest(request.headers)
  const host = forwardAuth.hosts.find(original.host)
  if (host === null) throw forwardAuth.refuse('unknown_host')
  if (original.protocol !== forwardAuth.hosts.protocol) throw forwardAuth.refuse('wrong_scheme')
  return { forwardAuth, host, original }
}

/** The live session that this browser has at the host; null: none. */
async function findAppSession(
  { request }: Call,
  host: string,
  { cookies, sessions }: ApiContext,
): Promise<ComputerSession | null> {
  const id = await readAppCookie(cookies, request.headers.get('cookie'), 'app_session', host)
  return id === null ? null : await sessions.findLive('computer', id)
}

/** For nginx, which takes 200 and 401 only: it makes the redirect itself. */
async function answerRequest(call: Call, context: ApiContext): Promise<Response> {
  const { appCall, allowed } = await judge(call, context)
  return allowed ?? refuse(call, appCall)
}

/** For proxies that pass the response on to the browser unless it is 2xx. */
async function answerForward(call: Call, context: ApiContext): Promise<Response> {
  const { appCall, allowed } = await judge(call, context)
  if (allowed !== null) return allowed
  const refused = refuse(call, appCall)
  if (!isNavigation(methodOf(call, appCall), call.request.headers)) return refused
  return new Response(null, { status: 302, headers: { Location: refused.headers.get('location') ?? '' } })
}

interface Judgement {
  appCall: AppCall
  /** The response that lets the request pass; null: it has to sign in. */
  allowed: Response | null
}

async function judge(call: Call, context: ApiContext): Promise<Judgement> {
  const appCall = requireAppCall(call, context)
  const session = await findAppSession(call, appCall.host, context)
  if (session === null) return { appCall, allowed: null }
  const headers = toIdentityHeaders(session.person)
  if (headers === null) throw new ProtocolError('forward_refused')
  return { appCall, allowed: new Response(null, { status: 200, headers }) }
}

/** Not logged: it is the ordinary answer to a browser that is not signed in, once per request. */
function refuse(call: Call, appCall: AppCall): Response {
  const { forwardAuth, host, original } = appCall
  const origin = forwardAuth.hosts.originOf(host)
  const path = parseAppPath(original.uri ?? pathBelow(call), origin)
  const response = toProblem(new ProtocolError('unauthenticated'), call.requestId)
  response.headers.set('Location', `${origin}/.qr-login/start?return=${encodeURIComponent(path)}`)
  const isRedirected = isNavigation(methodOf(call, appCall), call.request.headers)
  if (isRedirected) response.headers.set('Qr-Login-Navigation', '1')
  return response
}

/** Envoy sends the method itself. */
function methodOf({ request }: Call, { original }: AppCall): string {
  return original.method ?? request.method
}

/** The path and query of the original request, as Envoy sends it. */
function pathBelow({ url: { pathname, search } }: Call): string {
  return pathname.replace(/^\/authz\/[^/]+/, '') + search
}

function forEachMethod(handler: Handler<ApiContext>): Partial<Record<Method, Handler<ApiContext>>> {
  return Object.fromEntries(METHODS.filter((method) => method !== 'HEAD').map((method) => [method, handler]))
}
