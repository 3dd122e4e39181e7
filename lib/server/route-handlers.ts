import type { ApiContext } from '../api/context'
import { findRoute } from '../api/routes'
import type { ApiRequest } from '../http/api-request'
import { handleRequest, METHODS, type Method, type Resource } from '../http/resource'
import { qrLogin } from './shared'

/** What a router calls, Next's for one. */
type RouteHandler = (request: ApiRequest, route: RouteContext) => Promise<Response>

interface RouteContext {
  params: Promise<Params | undefined> | Params | undefined
}

type Params = Record<string, string>

/**
 * The exports of a route file of Next: a handler for each method. `resource`: null for paths
 * without one (404).
 */
export function routeHandlers(resource: Resource<ApiContext> | null): Record<Method, RouteHandler> {
  const handler: RouteHandler = async (request, { params }) => {
    return await handleRequest(resource, request, (await params) ?? {}, qrLogin().context)
  }
  return forEachMethod(handler)
}

/** The exports of a route file for all paths below a folder: the table of routes decides. */
export function routeHandlersByPath(): Record<Method, RouteHandler> {
  return forEachMethod(async (request) => {
    const { resource, params } = findRoute(new URL(request.url).pathname) ?? { resource: null, params: {} }
    return await handleRequest(resource, request, params, qrLogin().context)
  })
}

function forEachMethod(handler: RouteHandler): Record<Method, RouteHandler> {
  return Object.fromEntries(METHODS.map((method) => [method, handler])) as Record<Method, RouteHandler>
}
