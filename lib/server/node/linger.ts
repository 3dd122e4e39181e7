import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * How long a connection stays open after the response, so that a client that still sends can read
 * it.
 */
const LINGER_MS = 1_000

/**
 * For a response that is sent before the request was received whole: reads on and drops what comes,
 * and destroys the connection when the client still sends after a second.
 */
export function lingerUntilSent(message: IncomingMessage, response: ServerResponse): void {
  if (message.complete) return
  response.once('finish', () => {
    if (message.complete) return
    message.resume()
    const end = () => {
      if (!message.complete) message.socket.destroy()
    }
    setTimeout(end, LINGER_MS).unref()
  })
}
