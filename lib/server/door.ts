import type { IncomingMessage, ServerResponse } from 'node:http'
import { findHandler } from '../api/routes'
import type { RouteHandler } from '../http/resource'
import { services } from '../services'
import { NodeRequest } from './node-request'

/** A client that still sends what is not read is listened to for so long after its answer, so that it can read that. */
const LINGER_MS = 1_000

/** Takes a request that is for the API and answers it; false when it is for somebody else. */
export type Door = (message: IncomingMessage, response: ServerResponse) => boolean

/**
 * The API without a framework in between: the same handlers that Next's routes bind, at a fifth of the cost. Takes only what is written as
 * PROTOCOL.md writes it; oddly written paths and unknown methods are left to the router, which has its own ways with them.
 */
export const door: Door = (message, response) => {
  const { url = '', method = '' } = message
  const query = url.indexOf('?')
  const found = findHandler(method, query < 0 ? url : url.slice(0, query))
  if (found === null) return false
  answer(found.handler, found.params, message, response).catch((error: unknown) => {
    services().log.error({ err: error }, 'an answer could not be sent')
    response.destroy()
  })
  return true
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
