import { claimBody } from '../attempt/schemas'
import { requirePhone } from '../auth/identity'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

/** `POST /api/qr/confirm`: the person said yes. */
export const confirm = resource({
  POST: async ({ request, body }: Call) => {
    const phone = await requirePhone(request)
    const { claim } = parseBody(body, claimBody)
    return json(await services().attempts.confirm(phone, claim))
  },
})
