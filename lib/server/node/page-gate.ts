import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiContext } from '../../api/context'
import { clientAddress, rateLimitKeys } from '../../http/address'
import { pathOf } from '../../http/target'
import { lingerUntilSent } from './linger'
import type { NodeHandler } from './node-handler'
import { NodeHeaders } from './node-request'
import { PageLimit, type PageLimitOptions, type PageRefusal } from './page-limit'

const REFUSALS = {
  429: { event: 'limited', code: 'rate_limited', text: 'Too many requests.', limit: 'pages' },
  503: { event: 'refused', code: 'unavailable', text: 'Too busy.', limit: 'pages full' },
} as const

type PageGateOptions = PageLimitOptions & Pick<ApiContext, 'audit'>

/** Refuses pages that one address requests too often, before the framework renders them. */
export function createPageGate(options: PageGateOptions): NodeHandler {
  const limit = new PageLimit(options)
  return (message, response) => {
    const refusal = limit.check(message.method ?? '', pathOf(message.url ?? ''), new NodeHeaders(message))
    if (refusal !== null) refuse(refusal, message, response, options)
    return refusal !== null
  }
}

function refuse(
  { status, retryAfterS }: PageRefusal,
  message: IncomingMessage,
  response: ServerResponse,
  { audit, trustedProxies }: PageGateOptions,
): void {
  const { event, code, text, limit } = REFUSALS[status]
  const { method = '' } = message
  const [client] = rateLimitKeys(clientAddress(new NodeHeaders(message), trustedProxies))
  const address = client?.key ?? null
  const requestId = randomUUID().slice(0, 13)
  audit({ event, code, status, method, route: 'page', requestId, address, limit })
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Retry-After', String(retryAfterS))
  response.setHeader('X-Request-Id', requestId)
  lingerUntilSent(message, response)
  response.end(`${text} Try again in ${retryAfterS} s.\n`)
}
