import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/**
 * Makes a server send `100 Continue` (RFC 9110, section 10.1.1) when the body begins to be read,
 * and not before: a request that is refused without its body gets the refusal alone, and its client
 * need not send the body.
 */
export function delayContinue(server: Server): void {
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
    const read = message._read
    message._read = (size) => {
      message._read = read
      // After the response the rest is only read to be dropped.
      if (!response.headersSent) response.writeContinue()
      message._read(size)
    }
    server.emit('request', message, response)
  })
}
