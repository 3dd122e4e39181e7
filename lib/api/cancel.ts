import { requirePhone } from '../auth/identity'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'
import { claimBody } from './schemas'

/**
 * `POST /api/qr/cancel`: the person declines; or, after the sign-in, "Wasn't you?": that computer
 * is signed out.
 */
export const cancel = resource('/api/qr/cancel', {
  POST: async (call: Call, context: ApiContext) => {
    const { attempts, sessions } = context
    const phone = await requirePhone(call, context)
    const { claim } = parseBody(call.body, claimBody)
    const { review, revokes } = await attempts.cancelByPhone(phone, claim)
    if (revokes === null) return json(review)
    await sessions.revoke(phone, revokes)
    return json({ ...review, status: 'revoked' })
  },
})
