import { request } from 'node:http'
import { Readable } from 'node:stream'
import { UserAgent } from '../support/user-agent'

/**
 * A browser whose requests are navigations. Those of Node's `fetch` say that they are a script's,
 * which mod_auth_openidc answers with 401.
 */
export class Navigator extends UserAgent {
  protected override send(url: string, init: RequestInit): Promise<Response> {
    const { method = 'GET', headers } = init
    if (method !== 'GET') return super.send(url, init)
    const sent = {
      ...Object.fromEntries(new Headers(headers)),
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
    }
    return new Promise((resolve, reject) => {
      const message = request(url, { headers: sent }, (response) => {
        const { statusCode = 0, rawHeaders } = response
        const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, index) =>
          rawHeaders.slice(2 * index, 2 * index + 2),
        )
        resolve(
          new Response(Readable.toWeb(response) as ReadableStream, {
            status: statusCode,
            headers: pairs as [string, string][],
          }),
        )
      })
      message.once('error', reject).end()
    })
  }
}
