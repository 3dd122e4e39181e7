import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiContext } from '../../api/context'
import { type FoundRoute, findRoute } from '../../api/routes'
import { readPeer, writePeer } from '../../http/peer'
import { handleRequest, isMethod } from '../../http/resource'
import { pathOf } from '../../http/target'
import type { Log } from '../log'
import { InFlight } from './in-flight'
import { lingerUntilSent } from './linger'
import { NodeHeaders, NodeRequest } from './node-request'

/** Answers a request, or returns false when another handler is to answer it. */
export type NodeHandler = (message: IncomingMessage, response: ServerResponse) => boolean

/**
 * The API on Node's own HTTP server, without a framework in between: the same handlers as Next's
 * routes, at a fifth of the cost. Unknown methods, and paths with empty segments, are left to the
 * next handler.
 */
export function createNodeHandler(context: ApiContext & { log: Log }): NodeHandler {
  const inFlight = new InFlight()
  return (message, response) => {
    const { url = '', method = '' } = message
    if (!inFlight.admit(message.socket, response)) return true
    const found = isMethod(method) ? findRoute(pathOf(url)) : null
    if (found === null) return false
    // Where nothing has prepared the request before.
    if (readPeer(new NodeHeaders(message)) === null) writePeer(message.headers, message.socket.remoteAddress)
    answer(found, context, message, response).catch((error: unknown) => {
      context.log.error({ err: error }, 'a response could not be sent')
      response.destroy()
    })
    return true
  }
}

async function answer(
  { resource, params }: FoundRoute,
  context: ApiContext,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = new NodeRequest(message, response)
  const given = await handleRequest(resource, request, params, context)
  // The client has disconnected.
  if (response.destroyed) return
  const { headers } = given
  for (const [name, value] of headers) if (name !== 'set-cookie') response.setHeader(name, value)
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) response.appendHeader('Set-Cookie', cookies)
  response.statusCode = given.status
  if (request.sink !== null && given.ok) return request.sink.begin()
  lingerUntilSent(message, response)
  if (given.body === null) {
    response.end()
    return
  }
  const text = await given.text()
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(text)
}
