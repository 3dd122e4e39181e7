import { requirePhone } from '../auth/identity'
import { isProtocolError } from '../core/errors'
import { json } from '../http/answer'
import { parseBody, peekBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'
import { scanBody } from './schemas'

/** `POST /api/qr/scan`: the phone has read a code. */
export const scan = resource('/api/qr/scan', {
  POST: async (call: Call, context: ApiContext) => {
    const { attempts, findNetwork, limiter } = context
    const peeked = attempts.peekByCode(peekBody(call.body, scanBody)?.code)
    const [phone, found] = await Promise.all([requirePhone(call, context), peeked])
    const [known] = await Promise.all([attempts.isKnown(phone, found), limiter.scan(phone.person.id)])
    const { code } = parseBody(call.body, scanBody)
    const network = findNetwork(call.request.headers, call.client)
    try {
      return json(await attempts.scan(phone, code, { found, known, network }))
    } catch (error) {
      if (isProtocolError(error) && error.code === 'code_unknown') await limiter.unknownCode(phone.person.id)
      throw error
    }
  },
})
