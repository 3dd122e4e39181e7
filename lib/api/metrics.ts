import { ProtocolError } from '../core/errors'
import { isOneOf } from '../auth/metrics-token'
import { clientAddress, rateLimitKeys } from '../http/address'
import type { ApiRequest } from '../http/api-request'
import { parseBearer } from '../http/authorization'
import { type Call, nowhere, type Resource, type RouteHandler, resource } from '../http/resource'
import { services } from '../server/create-server'

const scrape = resource('/api/metrics', {
  GET: async ({ request }: Call) => {
    const { metrics, config } = services()
    if (metrics === null || config.metricsTokens === null) throw new ProtocolError('not_found')
    await requireToken(request, config.metricsTokens)
    return new Response(await metrics.toText(), { headers: { 'Content-Type': metrics.contentType } })
  },
})

/**
 * `GET /api/metrics`: what Prometheus reads. Without METRICS_TOKEN there is nothing here, for any
 * method.
 */
export const metrics = onlyWhen(() => services().metrics !== null, scrape)

/** A good token costs the store nothing; a bad one counts as any other bad credential. */
async function requireToken(request: ApiRequest, tokens: readonly string[]): Promise<void> {
  const token = parseBearer(request.headers.get('authorization'))
  if (token === null) throw new ProtocolError('unauthenticated')
  if (isOneOf(tokens, token)) return
  const { config, limiter } = services()
  await limiter.badCredential(rateLimitKeys(clientAddress(request.headers, config.trustedProxies)))
  throw new ProtocolError('token_wrong')
}

/** The resource while `isThere`, else the same as any unknown path. */
function onlyWhen(isThere: () => boolean, there: Resource): Resource {
  const none = nowhere()
  const choose = (method: keyof typeof none): RouteHandler => {
    return (request, context) => (isThere() ? there : none)[method](request, context)
  }
  const chosen = (Object.keys(none) as (keyof typeof none)[]).map((method) => [method, choose(method)])
  return { ...Object.fromEntries(chosen), route: there.route }
}
