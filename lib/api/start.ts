import { ProtocolError } from '../attempt/errors'
import { networkOf } from '../attempt/risk'
import { startBody } from '../attempt/schemas'
import { hashBrowserSecret } from '../attempt/tokens'
import { clientAddress } from '../http/address'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { describeDevice } from '../http/device'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

/** `POST /api/qr`: starts an attempt that belongs to this browser, and gives the browser its secret if it has none. */
export const start = resource(
  {
    POST: async ({ request: { headers }, body }: Call) => {
      const { attempts, config, cookies, newBrowserSecret } = services()
      parseBody(body, startBody)
      const known = await cookies.read(headers.get('cookie'), 'browser')
      const secret = known ?? newBrowserSecret()
      const attempt = await attempts.start({
        ...describeDevice(headers.get('user-agent')),
        browserHash: hashBrowserSecret(secret),
        place: null,
        network: networkOf(clientAddress(headers, config.trustedProxies)),
      })
      const response = json(attempt, { status: 201, headers: { Location: `/api/qr/${attempt.id}` } })
      if (known === null) response.headers.append('Set-Cookie', await cookies.write('browser', secret))
      return response
    },
  },
  checkAddress,
)

function checkAddress({ headers }: Request): void {
  const { ipAllowlist, trustedProxies } = services().config
  if (ipAllowlist === null) return
  const address = clientAddress(headers, trustedProxies)
  if (address === null || !ipAllowlist.has(address)) throw new ProtocolError('address_refused')
}
