import { requirePhone } from '../auth/identity'
import { tryParseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'
import { confirmBody } from './schemas'

/** `POST /api/qr/confirm`: the person approves the sign-in. */
export const confirm = resource('/api/qr/confirm', {
  POST: async (call: Call, context: ApiContext) => {
    const confirmation = tryParseBody(call.body, confirmBody)
    return json(await context.attempts.confirm(confirmation, requirePhone(call, context)))
  },
})
