import { ProtocolError } from '../core/errors'
import { startBody } from './schemas'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { clientAddress, rateLimitKeys } from '../http/address'
import { json } from '../http/answer'
import type { ApiRequest } from '../http/api-request'
import { parseCounted } from '../http/body'
import { describeDevice } from '../http/device'
import { findPlace } from '../http/place'
import { type Call, resource } from '../http/resource'
import { services } from '../server/create-server'

/** `POST /api/qr`: starts an attempt that belongs to this browser, and gives the browser its secret if it has none. */
export const start = resource(
  '/api/qr',
  {
    POST: async ({ request: { headers }, body }: Call) => {
      const { attempts, config, cookies, findCity, findNetwork, limiter, newBrowserSecret } = services()
      const address = clientAddress(headers, config.trustedProxies)
      const known = await cookies.read(headers.get('cookie'), 'browser')
      const secret = known ?? newBrowserSecret()
      const browserHash = hashBrowserSecret(secret)
      const guard = limiter.start(browserHash, rateLimitKeys(address))
      await parseCounted(body, startBody, () => limiter.pass(guard))
      const computer = {
        ...describeDevice(headers.get('user-agent')),
        browserHash,
        place: findPlace(headers, config, findCity),
        network: findNetwork(headers),
      }
      const attempt = await attempts.start(computer, guard)
      const response = json(attempt, { status: 201, headers: { Location: `/api/qr/${attempt.id}` } })
      if (known === null) response.headers.append('Set-Cookie', await cookies.write('browser', secret))
      return response
    },
  },
  checkAddress,
)

function checkAddress({ headers }: ApiRequest): void {
  const { ipAllowlist, trustedProxies } = services().config
  if (ipAllowlist === null) return
  const address = clientAddress(headers, trustedProxies)
  if (address === null || !ipAllowlist.has(address)) throw new ProtocolError('address_refused')
}
