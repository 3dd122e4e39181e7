import type { RequestingApp } from '../core/attempt/app'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { isProtocolError, ProtocolError } from '../core/errors'
import type { ApiRequest } from '../http/api-request'
import { tryParseBody } from '../http/body'
import { describeDevice } from '../http/device'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import { findAppBrowserHash } from './apps'
import type { ApiContext } from './context'
import { startBody } from './schemas'

/**
 * `POST /api/qr`: starts an attempt that belongs to this browser, and gives the browser its secret
 * if it has none.
 */
export const start = resource(
  '/api/qr',
  {
    POST: async ({ request, client, rateLimitKeys, body }: Call, context: ApiContext) => {
      const { headers } = request
      const { attempts, cookies, findNetwork, findPlace, limiter, newBrowserSecret } = context
      const known = await cookies.read(headers.get('cookie'), 'browser')
      const secret = known ?? newBrowserSecret()
      const browserHash = hashBrowserSecret(secret)
      const guard = limiter.start(browserHash, rateLimitKeys)
      const fields = tryParseBody(body, startBody)
      if (isProtocolError(fields)) {
        await limiter.pass(guard)
        throw fields
      }
      const computer = {
        ...describeDevice(headers.get('user-agent')),
        browserHash,
        place: findPlace(headers, client),
        network: findNetwork(headers, client),
      }
      const app = await findApp(fields.interaction, request, context)
      const attempt = await attempts.start(computer, guard, app)
      const response = json(attempt, { status: 201, headers: { Location: `/api/qr/${attempt.id}` } })
      if (known === null) response.headers.append('Set-Cookie', await cookies.write('browser', secret))
      return response
    },
  },
  { admit: checkAllowed },
)

/** What is signed in to; null: our own home page. */
async function findApp(
  interaction: string | undefined,
  request: ApiRequest,
  context: ApiContext,
): Promise<RequestingApp | null> {
  if (interaction === undefined) return null
  if (context.appSignIns === null) throw new ProtocolError('interaction_unknown')
  return await context.appSignIns.require(interaction, await findAppBrowserHash(request, context))
}

/** @throws ProtocolError `address_refused` for an address that may not start attempts. */
export function checkAllowed({ client: { address } }: Pick<Call, 'client'>, { ipAllowlist }: ApiContext): void {
  if (ipAllowlist === null) return
  if (address === null || !ipAllowlist.has(address)) throw new ProtocolError('address_refused')
}
