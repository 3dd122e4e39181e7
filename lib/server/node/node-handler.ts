import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { findHandler } from '../../api/routes'
import { clientAddress, rateLimitKeys } from '../../http/address'
import type { RouteHandler } from '../../http/resource'
import { pathOf } from '../../http/target'
import { services } from '../create-server'
import { InFlight } from './in-flight'
import { NodeHeaders, NodeRequest } from './node-request'
import { PageLimit, type PageRefusal } from './page-limit'

/** A client that still sends what is not read is listened to for so long after its answer, so that it can read that. */
const LINGER_MS = 1_000

/** Answers a request, or returns false when the framework is to answer it. */
export type Door = (message: IncomingMessage, response: ServerResponse) => boolean

export interface DoorOptions {
  /** Paths of the files that the framework serves as they are. */
  files: ReadonlySet<string>
  /** Monotonic, in ms. */
  now: () => number
}

/**
 * The API without a framework in between: the same handlers that Next's routes bind, at a fifth of the cost. Takes only what is written as
 * PROTOCOL.md writes it; oddly written paths and unknown methods are left to the router, which has its own ways with them. Of pages it
 * takes those that are too many for one address.
 */
export function createDoor({ files, now }: DoorOptions): Door {
  const { trustedProxies, rateLimitScale } = services().config
  const pages = new PageLimit({ trustedProxies, scale: rateLimitScale, files, now })
  const inFlight = new InFlight()
  return (message, response) => {
    const { url = '', method = '' } = message
    if (!inFlight.admit(message.socket, response)) return true
    const path = pathOf(url)
    const found = findHandler(method, path)
    if (found !== null) {
      answer(found.handler, found.params, message, response).catch((error: unknown) => {
        services().log.error({ err: error }, 'an answer could not be sent')
        response.destroy()
      })
      return true
    }
    const refusal = pages.check(method, path, new NodeHeaders(message))
    if (refusal !== null) refusePage(refusal, message, response)
    return refusal !== null
  }
}

const PAGE_REFUSALS = {
  429: { event: 'limited', code: 'rate_limited', text: 'Too many requests.', limit: 'pages' },
  503: { event: 'refused', code: 'unavailable', text: 'Too busy.', limit: 'pages full' },
} as const

function refusePage({ status, retryAfterS }: PageRefusal, message: IncomingMessage, response: ServerResponse): void {
  const { audit, config } = services()
  const { event, code, text, limit } = PAGE_REFUSALS[status]
  const { method = '' } = message
  const [client] = rateLimitKeys(clientAddress(new NodeHeaders(message), config.trustedProxies))
  const address = client?.key ?? null
  const requestId = randomUUID().slice(0, 13)
  audit({ event, code, status, method, route: 'page', requestId, address, limit })
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Retry-After', String(retryAfterS))
  response.setHeader('X-Request-Id', requestId)
  response.once('finish', () => {
    if (!message.complete) leave(message)
  })
  response.end(`${text} Try again in ${retryAfterS} s.\n`)
}

async function answer(
  handler: RouteHandler,
  params: Record<string, string>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = new NodeRequest(message, response)
  const given = await handler(request, { params })
  // Gone meanwhile: nobody is there to be answered.
  if (response.destroyed) return
  const { headers } = given
  for (const [name, value] of headers) if (name !== 'set-cookie') response.setHeader(name, value)
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) response.setHeader('Set-Cookie', cookies)
  response.statusCode = given.status
  if (request.sink !== null && given.ok) return request.sink.begin()
  if (!message.complete) response.once('finish', () => leave(message))
  if (given.body === null) {
    response.end()
    return
  }
  const text = await given.text()
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(text)
}

function leave(message: IncomingMessage): void {
  message.resume()
  const end = () => {
    if (!message.complete) message.socket.destroy()
  }
  setTimeout(end, LINGER_MS).unref()
}
