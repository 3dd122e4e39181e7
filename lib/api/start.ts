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
export const start = resource({
  POST: async ({ request, body }: Call) => {
    const { attempts, config, cookies, newBrowserSecret } = services()
    const address = clientAddress(request.headers, config.trustedProxies)
    const isAllowed = config.ipAllowlist === null || (address !== null && config.ipAllowlist.has(address))
    if (!isAllowed) throw new ProtocolError('address_refused')
    parseBody(body, startBody)
    const known = await cookies.read(request.headers.get('cookie'), 'browser')
    const secret = known ?? newBrowserSecret()
    const device = describeDevice(request.headers.get('user-agent'))
    const browserHash = hashBrowserSecret(secret)
    const attempt = await attempts.start({ ...device, browserHash, place: null, network: networkOf(address) })
    const response = json(attempt, { status: 201, headers: { Location: `/api/qr/${attempt.id}` } })
    if (known === null) response.headers.append('Set-Cookie', await cookies.write('browser', secret))
    return response
  },
})
