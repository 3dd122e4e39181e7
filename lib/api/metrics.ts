import { isOneOf } from '../auth/metrics-token'
import { ProtocolError } from '../core/errors'
import { parseBearer } from '../http/authorization'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'

/**
 * `GET /api/metrics`: what Prometheus reads. Without METRICS_TOKEN there is nothing here, for any
 * method.
 */
export const metrics = resource(
  '/api/metrics',
  {
    GET: async (call: Call, { metrics, limiter }: ApiContext) => {
      if (metrics === null) throw new ProtocolError('not_found')
      const token = parseBearer(call.request.headers.get('authorization'))
      if (token === null) throw new ProtocolError('unauthenticated')
      // A good token costs the store nothing; a bad one counts as any other bad credential.
      if (!isOneOf(metrics.tokens, token)) {
        await limiter.badCredential(call.rateLimitKeys)
        throw new ProtocolError('token_wrong')
      }
      return new Response(await metrics.toText(), { headers: { 'Content-Type': metrics.contentType } })
    },
  },
  { exists: ({ metrics }) => metrics !== null },
)
