import { requirePhone } from '../auth/identity'
import type { ScannedCode } from '../core/attempt/scans'
import { isProtocolError, ProtocolError } from '../core/errors'
import { tryParseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'
import { scanBody } from './schemas'

/** `POST /api/qr/scan`: the phone has read or typed a code, or scans the code that it holds. */
export const scan = resource('/api/qr/scan', {
  POST: async (call: Call, context: ApiContext) => {
    const scanned = await findScanned(call, context)
    const origin = { network: context.findNetwork(call.request.headers, call.client), client: call.rateLimitKeys }
    const response = json(await context.attempts.scan(scanned, requirePhone(call, context), origin))
    // A hold ends with any scan, also one of the code.
    const isHeld = (await context.cookies.read(call.request.headers.get('cookie'), 'hold')) !== null
    if (isHeld) response.headers.append('Set-Cookie', context.cookies.clear('hold'))
    return response
  },
})

async function findScanned(
  { body, request: { headers } }: Call,
  { attempts, cookies }: ApiContext,
): Promise<ScannedCode | ProtocolError> {
  const fields = tryParseBody(body, scanBody)
  if (isProtocolError(fields)) return fields
  const { code, shortCode, held = false } = fields
  if (shortCode !== undefined) return { shortCode }
  if (code !== undefined && !held) return { code }
  const attemptId = await cookies.read(headers.get('cookie'), 'hold')
  // With a code, a hold of another attempt is not scanned: another page may have replaced the hold.
  const isRight = attemptId !== null && (code === undefined || attempts.isCodeOf(code, attemptId))
  return isRight ? { attemptId, startsAt: null } : new ProtocolError('code_unknown')
}
