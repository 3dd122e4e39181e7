import { claimBody } from '../attempt/schemas'
import { requirePhone } from '../auth/identity'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

/** `POST /api/qr/confirm`: the person said yes. */
export const confirm = resource('/api/qr/confirm', {
  POST: async (call: Call) => {
    const { attempts, limiter } = services()
    const phone = await requirePhone(call)
    await limiter.confirm(phone.person.id)
    const { claim } = parseBody(call.body, claimBody)
    return json(await attempts.confirm(phone, claim))
  },
})
