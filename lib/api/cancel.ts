import { claimBody } from '../attempt/schemas'
import { requirePhone } from '../auth/identity'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

/** `POST /api/qr/cancel`: the person said no. */
export const cancel = resource('/api/qr/cancel', {
  POST: async (call: Call) => {
    const phone = await requirePhone(call)
    const { claim } = parseBody(call.body, claimBody)
    return json(await services().attempts.cancelByPhone(phone, claim))
  },
})
