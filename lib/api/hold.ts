import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { noContent } from '../http/response'
import type { ApiContext } from './context'
import { holdBody } from './schemas'

/**
 * `POST /api/qr/hold`: this browser may scan the code after it has expired, while its person signs
 * in. Changes nothing on the attempt. A second hold replaces the first.
 */
export const hold = resource('/api/qr/hold', {
  POST: async ({ request: { headers }, rateLimitKeys, body }: Call, context: ApiContext) => {
    const { attempts, cookies, limiter } = context
    await limiter.hold(rateLimitKeys)
    const { code } = parseBody(body, holdBody)
    const heldId = await cookies.read(headers.get('cookie'), 'hold')
    const { attemptId, expiresInMs } = await attempts.requireHoldable(code, heldId)
    return noContent({ 'Set-Cookie': await cookies.write('hold', attemptId, Math.ceil(expiresInMs / 1000)) })
  },
})
