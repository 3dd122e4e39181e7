import { requirePhone } from '../auth/identity'
import { isProtocolError } from '../core/errors'
import { json } from '../http/answer'
import { tryParseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'
import { claimBody } from './schemas'

/** `POST /api/qr/confirm`: the person approves the sign-in. */
export const confirm = resource('/api/qr/confirm', {
  POST: async (call: Call, context: ApiContext) => {
    const body = tryParseBody(call.body, claimBody)
    const claim = isProtocolError(body) ? body : body.claim
    return json(await context.attempts.confirm(claim, requirePhone(call, context)))
  },
})
