import { networkOf } from '../attempt/risk'
import { scanBody } from '../attempt/schemas'
import { requirePhone } from '../auth/identity'
import { clientAddress } from '../http/address'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

/** `POST /api/qr/scan`: the phone has read a code. */
export const scan = resource({
  POST: async ({ request, body }: Call) => {
    const { attempts, config } = services()
    const phone = await requirePhone(request)
    const { code } = parseBody(body, scanBody)
    const network = networkOf(clientAddress(request.headers, config.trustedProxies))
    return json(await attempts.scan(phone, code, network))
  },
})
