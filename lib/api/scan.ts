import { requirePhone } from '../auth/identity'
import { isProtocolError } from '../core/errors'
import { json } from '../http/answer'
import { tryParseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'
import { scanBody } from './schemas'

/** `POST /api/qr/scan`: the phone has read a code. */
export const scan = resource('/api/qr/scan', {
  POST: async (call: Call, context: ApiContext) => {
    const body = tryParseBody(call.body, scanBody)
    const code = isProtocolError(body) ? body : body.code
    const network = context.findNetwork(call.request.headers, call.client)
    return json(await context.attempts.scan(code, requirePhone(call, context), network))
  },
})
