import { requirePhone } from '../auth/identity'
import { json } from '../http/answer'
import { parseCounted, peekBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'
import { claimBody } from './schemas'

/** `POST /api/qr/confirm`: the person approves the sign-in. */
export const confirm = resource('/api/qr/confirm', {
  POST: async (call: Call, context: ApiContext) => {
    const { attempts, limiter } = context
    const peeked = attempts.peekByClaim(peekBody(call.body, claimBody)?.claim)
    const [phone, found] = await Promise.all([requirePhone(call, context), peeked])
    const guard = limiter.confirm(phone.person.id)
    const { claim } = await parseCounted(call.body, claimBody, () => limiter.pass(guard))
    return json(await attempts.confirm(phone, claim, guard, found))
  },
})
