import type { ApiContext } from '../api/context'
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
  return Object.fromEntries(METHODS.map((method) => [method, handler])) as Record<Method, RouteHandler>
}
